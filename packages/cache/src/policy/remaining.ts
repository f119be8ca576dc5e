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
 * @param policy where the response does not say it itself (`keepUntilMs`)
 */
export function usefulMs(stored: StoredMeta, policy: Policy): number {
  return stored.keepUntilMs === undefined ? usefulBy(stored, policy) : stored.keepUntilMs - stored.responseTimeMs
}

/** The same, with until when it is of any use by these rules: a store does not know them. */
export function kept(stored: StoredMeta, policy: Policy): StoredMeta & { readonly keepUntilMs: number } {
  return { ...stored, keepUntilMs: stored.responseTimeMs + usefulBy(stored, policy) }
}

function usefulBy(stored: StoredMeta, policy: Policy): number {
  const { alwaysAsks, forbidsStale, lifetimeMs, initialAgeMs, staleWhileRevalidateMs, staleIfErrorMs } = factsOf(stored, policy)
  const freshMs = alwaysAsks ? 0 : Math.max(0, lifetimeMs - initialAgeMs)
  // To be asked about, or because clients may put up with it (RFC 9111 §5.2.1.2).
  const isKept = hasValidator(storedHeaders(stored)) || (policy.requestDirectives && !forbidsStale)
  return freshMs + Math.max(isKept ? policy.keepMs : 0, staleWhileRevalidateMs, staleIfErrorMs)
}
