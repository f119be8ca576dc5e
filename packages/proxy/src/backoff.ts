import type { ReadonlyHeaders } from '@gatelet/core'
import type { RetrySettings } from './retry-options.ts'

/**
 * Milliseconds to wait before a retry: none before the first, which goes elsewhere; then a random part of a time that doubles
 * ("full jitter"), so that requests that failed together do not come back together.
 * @param retry counts from 1
 */
export function backoffMs(retry: number, { baseMs, maxMs }: RetrySettings, random: () => number): number {
  return retry < 2 ? 0 : random() * Math.min(maxMs, baseMs * 2 ** (retry - 2))
}

/**
 * `Retry-After` in milliseconds (RFC 9110 §10.2.3). A date counts from the `Date` of the same answer: of two clocks that differ,
 * the difference is the same. Undefined without one, and for dates in the forms that nobody may send any more (§5.6.7).
 */
export function retryAfterIn(headers: ReadonlyHeaders): number | undefined {
  const value = headers.get('retry-after')
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000
  const waitMs = dateIn(value) - dateIn(headers.get('date'))
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs)
}

const imfFixdate = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/

const dateIn = (value: string | undefined): number =>
  value !== undefined && imfFixdate.test(value) ? Date.parse(value) : Number.NaN
