import type { ReadonlyHeaders } from '@gatelet/core'
import { deltaSeconds } from './cache-control.ts'
import type { ExchangeTimes } from './types.ts'

/** Seconds of `Age` (RFC 9111 §5.1): the first member that is a whole number; 0 when there is none. */
export function ageValue(headers: ReadonlyHeaders): number {
  for (const member of headers.get('age')?.split(',') ?? []) {
    const seconds = deltaSeconds(member.trim())
    if (seconds !== undefined) return seconds
  }
  return 0
}

/**
 * Milliseconds that a response was old when it came (RFC 9111 §4.2.3), counted from when it was asked for.
 * @param dateMs its `Date`
 */
export function initialAge(ageSeconds: number, dateMs: number, times: ExchangeTimes): number {
  const apparent = Math.max(0, times.responseTimeMs - dateMs)
  const delay = Math.max(0, times.responseTimeMs - times.requestTimeMs)
  return Math.max(apparent, ageSeconds * 1_000 + delay)
}

/**
 * Milliseconds that it is old now. Where the clock was set back, nobody knows how much time has passed: the way back counts as
 * time too, so that nothing stays fresh for as long as the clock was set back.
 */
export function currentAge(initialAgeMs: number, times: ExchangeTimes, now: number): number {
  return initialAgeMs + Math.abs(now - times.responseTimeMs)
}
