import { currentAge } from './age.ts'
import { factsOf, storedHeaders } from './facts.ts'
import type { Policy } from './options.ts'
import type { StoredMeta } from './types.ts'
import { hasValidator } from './validators.ts'

/** Milliseconds of freshness that are left, below zero when stale. */
export function remaining(stored: StoredMeta, now: number, policy: Policy): number {
  const { initialAgeMs, lifetimeMs } = factsOf(stored, policy)
  const ttlMs = lifetimeMs - currentAge(initialAgeMs, stored, now)
  return stored.softPurgedAt === undefined ? ttlMs : Math.min(ttlMs, Math.min(0, stored.softPurgedAt - now))
}

/**
 * Milliseconds, from when it came, for which a stored response is of any use: fresh, stale but allowed, as an answer in need,
 * or to be asked about. A store need not keep it longer.
 */
export function usefulMs(stored: StoredMeta, policy: Policy): number {
  const { alwaysAsks, lifetimeMs, initialAgeMs, staleWhileRevalidateMs, staleIfErrorMs } = factsOf(stored, policy)
  const freshMs = alwaysAsks ? 0 : Math.max(0, lifetimeMs - initialAgeMs)
  const askMs = hasValidator(storedHeaders(stored)) ? policy.keepMs : 0
  return freshMs + Math.max(askMs, staleWhileRevalidateMs, staleIfErrorMs)
}
