import type { RetrySettings } from './retry-options.ts'

/**
 * Milliseconds to wait before a retry: none before the first, which goes elsewhere; then a random part of a time that doubles
 * ("full jitter"), so that requests that failed together do not come back together.
 * @param retry counts from 1
 */
export function backoffMs(retry: number, { baseMs, maxMs }: RetrySettings, random: () => number): number {
  return retry < 2 ? 0 : random() * Math.min(maxMs, baseMs * 2 ** (retry - 2))
}

/** `Retry-After` in milliseconds, where it is in seconds (RFC 9110 §10.2.3). A date is nothing to us: clocks differ. */
export function retryAfterIn(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : undefined
}
