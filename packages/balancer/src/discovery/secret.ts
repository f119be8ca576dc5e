import { type Check, type MaybePromise, options } from '@gatelet/core'

/** A secret, or what says it: asked again for each request, so that it may change while the program runs. */
export type Secret = string | (() => MaybePromise<string>)

export const secret: Check<Secret> = (value, path) => {
  // Its value must not stand in a message.
  if (typeof value === 'function') return value as () => MaybePromise<string>
  if (typeof value === 'string' && value !== '') return value
  throw options.wrong(typeof value, path, 'a string that is not empty, or a function that gives one')
}

/** What it says now, without space around it. @param what names it in the error: `token` @throws Error when it is empty */
export async function said(given: Secret, what: string): Promise<string> {
  const text: unknown = typeof given === 'string' ? given : await given()
  if (typeof text !== 'string' || text.trim() === '') throw new Error(`the ${what} is empty`)
  return text.trim()
}
