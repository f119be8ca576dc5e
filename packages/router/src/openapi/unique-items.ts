import { isObject } from './place.ts'

/** As much of a keyword of ajv as is used here. */
export interface AjvKeyword {
  readonly keyword: string
  readonly type: 'array'
  readonly schemaType: 'boolean'
  readonly validate: (wanted: boolean, items: readonly unknown[]) => boolean
  readonly error: { readonly message: string }
}

/**
 * `uniqueItems` for ajv, in about the time that it takes to read the list. Ajv's own compares lists and objects each with each:
 * a body of 1 MiB would hold the process for a minute.
 */
export const uniqueItems: AjvKeyword = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  validate: (wanted, items) => !wanted || new Set(items.map(canonical)).size === items.length,
  error: { message: 'must NOT have duplicate items' },
}

/** The same text for values that JSON Schema calls equal, and for no others. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (!isObject(value)) return typeof value === 'string' ? JSON.stringify(value) : String(value)
  const members = Object.keys(value).sort()
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`
}
