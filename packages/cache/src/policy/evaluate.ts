import type { HeaderList } from '@gatelet/core'
import { currentAge } from './age.ts'
import { type Directives, deltaSeconds } from './cache-control.ts'
import { type Facts, factsOf, storedHeaders } from './facts.ts'
import { hasBody } from './has-body.ts'
import type { Policy } from './options.ts'
import { remaining } from './remaining.ts'
import { requestDirectives, toleratedStale, wantsNewer } from './request-directives.ts'
import { respond } from './respond.ts'
import type { CacheRequest, Decision, Forward, Forwarded, StoredMeta } from './types.ts'
import { askWhether, hasValidator } from './validators.ts'
import { selected } from './vary.ts'

/**
 * Decides what to do with a request (RFC 9111 §4): answer from the store, ask whether what is stored holds, or ask for all.
 * @param variants all that is stored under the key of the request
 * @param now wall-clock milliseconds
 */
export function evaluate(request: CacheRequest, variants: readonly StoredMeta[], now: number, policy: Policy): Decision {
  const { method, headers } = request
  if (method !== 'GET' && method !== 'HEAD') return { kind: 'fetch', forward: 'method' }
  const asked = requestDirectives(request) ?? nothing
  // The answer may hang on a body, which is in no key; and only the origin can tell whether these conditions hold (§4.3.2).
  if (hasBody(headers)) return missing(asked, 'bypass', 'request-body')
  if (headers.has('if-match') || headers.has('if-unmodified-since')) return missing(asked, 'bypass', 'precondition')
  const stored = selected(variants, request, policy)
  if (!stored) return missing(asked, variants.length === 0 ? 'uri-miss' : 'vary-miss')
  const facts = factsOf(stored, policy)
  // What a 304 forbade since then.
  if (facts.directives.has('no-store') && !facts.directives.has('must-understand')) return missing(asked, 'miss', 'no-store')
  if (policy.isShared && facts.directives.has('private')) return missing(asked, 'miss', 'private')
  return reuse(request, stored, facts, asked, now, policy)
}

function reuse(
  request: CacheRequest,
  stored: StoredMeta,
  facts: Facts,
  asked: Directives,
  now: number,
  policy: Policy,
): Decision {
  const ttlMs = remaining(stored, now, policy)
  const wanted = wantsNewer(asked, facts, currentAge(facts.initialAgeMs, stored, now), ttlMs, policy)
  const isUsable = !facts.alwaysAsks && !wanted
  if (isUsable && ttlMs > 0) return { kind: 'hit', stored, answer: respond(request, stored, now, policy) }
  if (isUsable && -ttlMs < staleWindowMs(facts, asked, policy))
    return { kind: 'stale', stored, answer: respond(request, stored, now, policy), refresh: refreshing(request, stored) }
  const forward = wanted ? 'request' : 'stale'
  const detail = facts.alwaysAsks ? 'no-cache' : undefined
  if (asked.has('only-if-cached')) return missing(asked, forward, detail)
  const hasFallback = isUsable && -ttlMs < errorWindowMs(facts, asked, policy)
  const said: Forwarded = { forward, ...(detail && { detail }), ...(hasFallback && { fallback: stored }) }
  const validators = storedHeaders(stored)
  if (!hasValidator(validators)) return { kind: 'fetch', ...said }
  return { kind: 'revalidate', stored, headers: askWhether(request.headers.clone(), validators), ...said }
}

function missing(asked: Directives, forward: Forward, detail?: string): Decision {
  const kind = asked.has('only-if-cached') ? 'only-if-cached-miss' : 'fetch'
  return { kind, forward, ...(detail !== undefined && { detail }) }
}

function staleWindowMs(facts: Facts, asked: Directives, policy: Policy): number {
  return facts.forbidsStale ? 0 : Math.max(facts.staleWhileRevalidateMs, toleratedStale(asked, policy))
}

function errorWindowMs(facts: Facts, asked: Directives, policy: Policy): number {
  if (facts.forbidsStale || !policy.requestDirectives) return facts.staleIfErrorMs
  return Math.max(facts.staleIfErrorMs, (deltaSeconds(asked.get('stale-if-error')) ?? 0) * 1_000)
}

// In the background the whole is asked for, whatever part of it this client wanted.
function refreshing(request: CacheRequest, stored: StoredMeta): HeaderList {
  const headers = askWhether(request.headers.clone(), storedHeaders(stored))
  headers.delete('range')
  headers.delete('if-range')
  return headers
}

const nothing: Directives = new Map()
