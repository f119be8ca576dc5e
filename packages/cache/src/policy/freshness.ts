import type { ReadonlyHeaders } from '@gatelet/core'
import { type Directives, deltaSeconds } from './cache-control.ts'
import { parseHttpDate } from './http-date.ts'
import type { Policy } from './options.ts'
import { isHeuristicallyCacheable } from './status.ts'
import type { Governing } from './targeted.ts'
import type { CacheResponse } from './types.ts'

/**
 * Milliseconds that a response says itself that it stays fresh (RFC 9111 §4.2.1): `s-maxage` in a shared cache, else
 * `max-age`, else `Expires`. One that cannot be read counts as expired. Undefined when it says nothing.
 */
export function explicitLifetime(
  headers: ReadonlyHeaders,
  { directives, isTargeted }: Governing,
  dateMs: number,
  isShared: boolean,
): number | undefined {
  const name = isShared && directives.has('s-maxage') ? 's-maxage' : 'max-age'
  if (directives.has(name)) return (deltaSeconds(directives.get(name)) ?? 0) * 1_000
  // Of several the first holds.
  const expires = isTargeted ? undefined : headers.getAll('expires')[0]
  if (expires === undefined) return undefined
  return Math.max(0, (parseHttpDate(expires, dateMs) ?? dateMs) - dateMs)
}

/**
 * Milliseconds that a response is taken to stay fresh which does not say it: by its last change (§4.2.2), else by default;
 * there is no default for errors.
 */
export function assumedLifetime(response: CacheResponse, directives: Directives, dateMs: number, policy: Policy): number {
  if (!isHeuristicallyCacheable(response.status) && !directives.has('public')) return 0
  const changedMs = parseHttpDate(response.headers.get('last-modified'), dateMs)
  if (changedMs === undefined || policy.heuristic.fraction === 0) return response.status < 400 ? policy.defaults.freshMs : 0
  return Math.min(Math.max(0, dateMs - changedMs) * policy.heuristic.fraction, policy.heuristic.maxMs)
}

/** Whether it must never be sent stale (RFC 9111 §4.2.4): `s-maxage` says so too, to a shared cache (§5.2.2.10). */
export function forbidsStale(directives: Directives, isShared: boolean): boolean {
  if (directives.has('must-revalidate')) return true
  return isShared && (directives.has('proxy-revalidate') || directives.has('s-maxage'))
}

/** Milliseconds of a window of RFC 5861, 0 for one that cannot be read. */
export function staleWindow(
  directives: Directives,
  name: 'stale-while-revalidate' | 'stale-if-error',
  otherwise: number,
): number {
  return directives.has(name) ? (deltaSeconds(directives.get(name)) ?? 0) * 1_000 : otherwise
}
