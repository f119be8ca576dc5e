import { isKnownEncoding } from './accept-encoding.ts'
import { type Directives, listedFields } from './cache-control.ts'
import { type Facts, readFacts } from './facts.ts'
import { hasBody } from './has-body.ts'
import { absoluteUrl } from './key.ts'
import type { Policy } from './options.ts'
import { requestDirectives } from './request-directives.ts'
import { isHeuristicallyCacheable, isStorableStatus, isUnderstood } from './status.ts'
import { losesRules, storableFields } from './stored-headers.ts'
import type { CacheRequest, CacheResponse, ExchangeTimes, StoredMeta } from './types.ts'
import { hasValidator } from './validators.ts'
import { selectingHeaders } from './vary.ts'

/** Why a response is not stored: the `detail` of `Cache-Status`. */
export type NotStored =
  | 'method'
  | 'request-body'
  | 'status'
  | 'must-understand'
  | 'no-store'
  | 'request-no-store'
  | 'private'
  | 'authorization'
  | 'cookie'
  | 'set-cookie'
  | 'vary'
  | 'vary-credentials'
  | 'content-encoding'
  | 'connection'
  | 'no-freshness'

/** Whether a response is stored. */
export type Storability =
  | {
      readonly store: true
      readonly meta: StoredMeta
      /** Milliseconds for which it is fresh, from when it came. */
      readonly freshnessMs: number
      /** Milliseconds for which it is of any use, from when it came: stale, as an answer in need, or to be asked about. */
      readonly keepMs: number
    }
  | { readonly store: false; readonly reason: NotStored }

/**
 * Decides whether a response may be stored and is worth it (RFC 9111 §3). The body must then come whole; its trailers
 * are no part of what is stored (§3.3).
 */
export function storable(request: CacheRequest, response: CacheResponse, times: ExchangeTimes, policy: Policy): Storability {
  const facts = readFacts(response, times, policy)
  const reason =
    byRequest(request, facts, policy) ??
    byStatus(response.status, facts) ??
    byDirectives(facts.directives, policy) ??
    bySafety(request, response, facts, policy) ??
    byVary(response, facts, policy)
  if (reason) return { store: false, reason }
  const freshnessMs = facts.alwaysAsks ? 0 : Math.max(0, facts.lifetimeMs - facts.initialAgeMs)
  const keepMs = freshnessMs + usefulStale(response, facts, policy)
  if (keepMs === 0) return { store: false, reason: 'no-freshness' }
  return { store: true, freshnessMs, keepMs, meta: metaOf(request, response, times, facts, policy) }
}

function metaOf(
  request: CacheRequest,
  { status, headers }: CacheResponse,
  { requestTimeMs, responseTimeMs }: ExchangeTimes,
  { directives, vary }: Facts,
  policy: Policy,
): StoredMeta {
  return {
    method: request.method,
    url: absoluteUrl(request.url),
    status,
    headers: storableFields(headers, directives, policy),
    requestHeaders: selectingHeaders(vary === '*' ? [] : vary, request),
    requestTimeMs,
    responseTimeMs,
    tags: [],
  }
}

function byRequest(request: CacheRequest, { directives }: Facts, policy: Policy): NotStored | undefined {
  if (request.method !== 'GET') return 'method'
  if (hasBody(request.headers)) return 'request-body'
  if (requestDirectives(request)?.has('no-store')) return 'request-no-store'
  if (!policy.isShared || policy.partitioned || !request.headers.has('authorization')) return undefined
  // RFC 9111 §3.5
  const isAllowed = ['public', 's-maxage', 'must-revalidate'].some((name) => directives.has(name))
  return isAllowed ? undefined : 'authorization'
}

function byStatus(status: number, { directives, isExplicit }: Facts): NotStored | undefined {
  if (!isStorableStatus(status)) return 'status'
  if (directives.has('must-understand') && !isUnderstood(status)) return 'must-understand'
  const isAllowed = isExplicit || directives.has('public') || isHeuristicallyCacheable(status)
  return isAllowed ? undefined : 'status'
}

function byDirectives(directives: Directives, policy: Policy): NotStored | undefined {
  // Who understands the status ignores the `no-store` that stands there for those who do not (§5.2.2.3).
  if (directives.has('no-store') && !directives.has('must-understand')) return 'no-store'
  // With a list of fields too: what others make of such a list differs, and the response was meant for one.
  return policy.isShared && directives.has('private') ? 'private' : undefined
}

function bySafety(
  request: CacheRequest,
  { headers }: CacheResponse,
  { directives }: Facts,
  policy: Policy,
): NotStored | undefined {
  if (losesRules(headers, policy)) return 'connection'
  if (!policy.isShared) return undefined
  const isStripped = policy.setCookie === 'strip' || listedFields(directives.get('no-cache'))?.includes('set-cookie')
  if (headers.has('set-cookie') && !isStripped) return 'set-cookie'
  if (policy.cookies === 'ignore' || policy.partitioned || !request.headers.has('cookie')) return undefined
  return directives.has('public') || directives.has('s-maxage') ? undefined : 'cookie'
}

function byVary({ headers }: CacheResponse, { vary }: Facts, policy: Policy): NotStored | undefined {
  if (vary === '*') return 'vary'
  const isForOne = vary.includes('authorization') || vary.includes('cookie')
  if (isForOne && policy.isShared && !policy.partitioned) return 'vary-credentials'
  return vary.includes('accept-encoding') && !isKnownEncoding(headers.get('content-encoding')) ? 'content-encoding' : undefined
}

function usefulStale({ headers }: CacheResponse, facts: Facts, policy: Policy): number {
  const keepMs = hasValidator(headers) ? policy.keepMs : 0
  return Math.max(keepMs, facts.staleWhileRevalidateMs, facts.staleIfErrorMs)
}
