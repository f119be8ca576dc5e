/** An object of which nothing is known: its members are looked at one by one. */
export type Json = Readonly<Record<string, unknown>>

/** The value, if it is an object; else an empty one. */
export const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}

/** The value, if it is a list; else an empty one. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** The items of a list, each as an object. */
export const objectsOf = (value: unknown): readonly Json[] => listOf(value).map(objectOf)

/** The value, if it is a string that is not empty. */
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
