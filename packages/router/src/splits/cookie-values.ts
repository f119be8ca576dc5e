import type { ReadonlyHeaders } from '@gatelet/core'

// A client has a cookie for several paths, but each that it makes up may cost a signature.
const MAX_VALUES = 5

/** The values of the cookies of that name, byte for byte, without those that are empty; at most five. */
export function cookieValues(headers: ReadonlyHeaders, name: string): readonly string[] {
  const values: string[] = []
  for (const pair of headers.get('cookie')?.split(';') ?? []) {
    const equals = pair.indexOf('=')
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue
    const value = pair.slice(equals + 1).trim()
    if (value !== '' && values.push(value) === MAX_VALUES) break
  }
  return values
}
