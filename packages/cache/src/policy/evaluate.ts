import type { HeaderList } from '@gatelet/core'
import { currentAge } from './age.ts'
import { type Directives, deltaSeconds } from './cache-control.ts'
import { type Facts, factsOf, storedHeaders } from './facts.ts'
import { hasBody } from './has-body.ts'
import type { Policy } from './options.ts'
import { requestDirectives, toleratedStale, wantsNewer } from './request-directives.ts'
import { remaining, respond } from './respond.ts'
import type { CacheRequest, Decision, Forward, StoredMeta } from './types.ts'
import { askWhether, hasValidator } from './validators.ts'
import { selects } from './vary.ts'

/**
 * Decides what to do with a request (RFC 9111 §4): answer from the store, ask whether what is stored holds, or ask for all.
 * @param stored the one that `selected` found under the key of the request, if any
 * @param now wall-clock milliseconds
 */
export function evaluate(request: CacheRequest, stored: StoredMeta | undefined, now: number, policy: Policy): Decision {
  const passing = passesBy(request)
  if (passing) return passing
  const asked = requestDirectives(request) ?? nothing
  if (!stored) return missing(asked, 'uri-miss')
  if (!selects(stored, request, policy)) return missing(asked, 'vary-miss')
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
  const ageMs = currentAge(facts.initialAgeMs, stored, now)
  const staleMs = -ttlMs
  const wanted = wantsNewer(asked, facts, ageMs, ttlMs, policy)
  const isUsable = !facts.alwaysAsks && !wanted
  if (isUsable) {
    if (ttlMs > 0) return { kind: 'hit', answer: respond(request, stored, now, policy) }
    const toleratedMs = facts.forbidsStale ? 0 : toleratedStale(asked, policy)
    const isWithin = staleMs < facts.staleWhileRevalidateMs || staleMs <= toleratedMs - 1
    if (isWithin) return { kind: 'stale', answer: respond(request, stored, now, policy), refresh: refreshing(request, stored) }
  }
  const forward = wanted ? 'request' : 'stale'
  const detail = facts.alwaysAsks ? 'no-cache' : undefined
  if (asked.has('only-if-cached')) return unavailable(forward, detail)
  const said = {
    forward,
    ...(detail && { detail }),
    staleIfError: isUsable && staleMs < errorWindow(facts, asked, policy),
  } as const
  const validators = storedHeaders(stored)
  if (!hasValidator(validators)) return { kind: 'fetch', ...said }
  return { kind: 'revalidate', headers: askWhether(request.headers.clone(), validators), ...said }
}

function passesBy({ method, headers }: CacheRequest): Decision | undefined {
  if (method !== 'GET' && method !== 'HEAD') return { kind: 'fetch', forward: 'method', staleIfError: false }
  // The answer may hang on a body, which is in no key; and only the origin can tell whether these conditions hold (§4.3.2).
  if (hasBody(headers)) return { kind: 'fetch', forward: 'bypass', detail: 'request-body', staleIfError: false }
  if (!headers.has('if-match') && !headers.has('if-unmodified-since')) return undefined
  return { kind: 'fetch', forward: 'bypass', detail: 'precondition', staleIfError: false }
}

function missing(asked: Directives, forward: Forward, detail?: string): Decision {
  if (asked.has('only-if-cached')) return unavailable(forward, detail)
  return { kind: 'fetch', forward, ...(detail !== undefined && { detail }), staleIfError: false }
}

function unavailable(forward: Forward, detail: string | undefined): Decision {
  return { kind: 'only-if-cached-miss', forward, ...(detail !== undefined && { detail }) }
}

function errorWindow(facts: Facts, asked: Directives, policy: Policy): number {
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
