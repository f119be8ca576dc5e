import type { ReadonlyHeaders } from '@gatelet/core'
import { acceptedEncodings } from './accept-encoding.ts'
import { factsOf } from './facts.ts'
import type { Policy } from './options.ts'
import type { CacheRequest, StoredMeta } from './types.ts'

/** What a request has for each of the names, normalised. */
export function selectingHeaders(names: readonly string[], request: CacheRequest): StoredMeta['requestHeaders'] {
  return Object.fromEntries(names.map((name) => [name, selectingValue(name, request.headers)]))
}

/** Whether a stored response was chosen by what this request has too (RFC 9111 §4.1). */
export function selects(stored: StoredMeta, request: CacheRequest, policy: Policy): boolean {
  const { vary } = factsOf(stored, policy)
  if (vary === '*') return false
  for (const name of vary) {
    // A name that a later 304 brought was never looked at: nothing is known to match.
    if (!Object.hasOwn(stored.requestHeaders, name)) return false
    if (stored.requestHeaders[name] !== selectingValue(name, request.headers)) return false
  }
  return true
}

/** The newest by `Date` of those that were chosen by what this request has too (RFC 9111 §4). */
export function selected(variants: readonly StoredMeta[], request: CacheRequest, policy: Policy): StoredMeta | undefined {
  let newest: StoredMeta | undefined
  for (const variant of variants) {
    if (!selects(variant, request, policy)) continue
    if (!newest || factsOf(variant, policy).dateMs > factsOf(newest, policy).dateMs) newest = variant
  }
  return newest
}

function selectingValue(name: string, headers: ReadonlyHeaders): string | undefined {
  const value = headers.get(name)
  if (value === undefined) return undefined
  if (name === 'accept-encoding') return acceptedEncodings(value)
  const spaced = withOneSpacing(value)
  // Case says nothing in a language's tag (RFC 9110 §8.5.1). Order may: servers differ in what they make of it.
  return name === 'accept-language' ? spaced.toLowerCase() : spaced
}

function withOneSpacing(value: string): string {
  // Spaces first: looking for a comma behind a long run of them, from each of them, would take the square of its length.
  return value.trim().replace(/\s+/g, ' ').replace(/ ?, ?/g, ', ')
}
