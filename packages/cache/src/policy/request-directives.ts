import { type Directives, deltaSeconds, parseCacheControl } from './cache-control.ts'
import type { Facts } from './facts.ts'
import type { Policy } from './options.ts'
import type { CacheRequest } from './types.ts'

/** What a request says about caches (RFC 9111 §5.2.1), `Pragma` included (§5.4). Undefined when it says nothing. */
export function requestDirectives({ headers }: CacheRequest): Directives | undefined {
  if (headers.has('cache-control')) return parseCacheControl(headers.getAll('cache-control'))
  const isOldNoCache = /(?:^|,)\s*no-cache\s*(?:,|$)/i.test(headers.get('pragma') ?? '')
  return isOldNoCache ? new Map([['no-cache', true]]) : undefined
}

/** Whether the client wants something newer than what is stored, and may say so. */
export function wantsNewer(asked: Directives, facts: Facts, ageMs: number, ttlMs: number, policy: Policy): boolean {
  if (!policy.requestDirectives) return false
  if (asked.has('no-cache')) return true
  const minFresh = deltaSeconds(asked.get('min-fresh'))
  if (minFresh !== undefined && ttlMs < minFresh * 1_000) return true
  const maxAge = deltaSeconds(asked.get('max-age'))
  // A plain reload of what never changes while it is fresh asks for nothing new (RFC 8246 §2).
  const neverChanges = facts.directives.has('immutable') && ttlMs > 0 && maxAge === 0
  return maxAge !== undefined && (maxAge === 0 || ageMs > maxAge * 1_000) && !neverChanges
}

/** Milliseconds of staleness that the client puts up with, where it may say so. */
export function toleratedStale(asked: Directives, policy: Policy): number {
  if (!policy.requestDirectives || !asked.has('max-stale')) return 0
  const value = asked.get('max-stale')
  return value === true ? Number.POSITIVE_INFINITY : (deltaSeconds(value) ?? 0) * 1_000
}
