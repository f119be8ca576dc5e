import { isKnownEncoding } from './accept-encoding.ts'
import { type Directives, listedFields } from './cache-control.ts'
import { type Facts, readFacts } from './facts.ts'
import { hasBody } from './has-body.ts'
import { absoluteUrl } from './key.ts'
import type { Policy } from './options.ts'
import { kept } from './remaining.ts'
import { requestDirectives } from './request-directives.ts'
import { isHeuristicallyCacheable, isStorableStatus, isUnderstood } from './status.ts'
import { losesNeeded, storableFields } from './stored-headers.ts'
import type { CacheRequest, CacheResponse, ExchangeTimes, StoredMeta } from './types.ts'
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
  | { readonly store: true; readonly meta: StoredMeta }
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
    bySafety(response, facts, policy) ??
    byVary(response, facts, policy)
  if (reason) return { store: false, reason }
  const meta = kept(metaOf(request, response, times, facts, policy), policy)
  return meta.keepUntilMs > meta.responseTimeMs ? { store: true, meta } : { store: false, reason: 'no-freshness' }
}

/** Why what comes back to this request is for nobody else, whatever it is. */
export function byAsker(
  request: CacheRequest,
  directives: Directives,
  policy: Policy,
): 'request-no-store' | 'authorization' | 'cookie' | undefined {
  const { headers } = request
  if (requestDirectives(request)?.has('no-store')) return 'request-no-store'
  if (!policy.isShared || policy.partitioned || directives.has('public') || directives.has('s-maxage')) return undefined
  // RFC 9111 §3.5
  if (headers.has('authorization') && !directives.has('must-revalidate')) return 'authorization'
  return headers.has('cookie') && policy.cookies === 'refuse' ? 'cookie' : undefined
}

function metaOf(
  request: CacheRequest,
  { status, headers }: CacheResponse,
  { requestTimeMs, responseTimeMs }: ExchangeTimes,
  { vary }: Facts,
  policy: Policy,
): StoredMeta {
  return {
    url: absoluteUrl(request.url),
    status,
    headers: storableFields(headers, policy),
    requestHeaders: selectingHeaders(vary === '*' ? [] : vary, request),
    requestTimeMs,
    responseTimeMs,
    tags: [],
  }
}

function byRequest(request: CacheRequest, { directives }: Facts, policy: Policy): NotStored | undefined {
  if (request.method !== 'GET') return 'method'
  if (hasBody(request.headers)) return 'request-body'
  return byAsker(request, directives, policy)
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

function bySafety({ headers }: CacheResponse, { directives }: Facts, policy: Policy): NotStored | undefined {
  if (losesNeeded(headers, policy)) return 'connection'
  if (!policy.isShared || policy.setCookie === 'strip' || !headers.has('set-cookie')) return undefined
  return listedFields(directives.get('no-cache'), policy.targets)?.includes('set-cookie') ? undefined : 'set-cookie'
}

function byVary({ headers }: CacheResponse, { vary }: Facts, policy: Policy): NotStored | undefined {
  if (vary === '*') return 'vary'
  const isForOne = vary.includes('authorization') || vary.includes('cookie')
  if (isForOne && policy.isShared && !policy.partitioned) return 'vary-credentials'
  return vary.includes('accept-encoding') && !isKnownEncoding(headers.get('content-encoding')) ? 'content-encoding' : undefined
}
