import type { Reply } from '@gatelet/core'
import { evaluate } from '../policy/evaluate.ts'
import { requestDirectives } from '../policy/request-directives.ts'
import { respond } from '../policy/respond.ts'
import type { CacheRequest } from '../policy/types.ts'
import { selectingHeaders } from '../policy/vary.ts'
import type { Fetched, Onward } from './arrival.ts'
import { abortedWhileAsking, askedApart, askedDirectly } from './asking.ts'
import { type Failure, failedTogether, isOfUpstream, maxFailures } from './failed-together.ts'
import { staleInstead } from './fallback.ts'
import type { Flight, Landing } from './flight.ts'
import type { Ask, Kit } from './kit.ts'
import { bytesOfAnswer } from './stored-reply.ts'

/** Asks the upstream, or waits for somebody who asks the same. @throws what the upstream throws */
export async function forwarded<S extends object>(kit: Kit<S>, ask: Ask<S>, decision: Onward): Promise<Reply> {
  const { collapse, clock } = kit.settings
  if (!collapse || !mayCollapse(kit, ask, decision)) return alone(kit, ask, decision)
  const names = new Set(ask.entries.flatMap(({ meta }) => Object.keys(meta.requestHeaders)))
  const untilMs = clock.now() + collapse.waitMs
  for (let failures = 0; ; ) {
    const flight = kit.flights.find(ask.key, (each) => mayJoin(kit, ask, each, names))
    if (!flight) return led(kit, ask, decision)
    const shared = await flight.wait(ask.ctx, Math.max(0, untilMs - clock.now()), clock, (landing) => {
      if (landing?.kind === 'failed') failures++
      if (landing && 'meta' in landing) for (const name of Object.keys(landing.meta.requestHeaders)) names.add(name)
      return sharedReply(kit, ask, decision, landing, failures)
    })
    if (shared === 'left') return abortedWhileAsking(kit, ask, decision)
    if (typeof shared === 'object') {
      kit.tell(ask, shared.told)
      return shared.reply
    }
    // It varies by what this request has otherwise. By which names is known now: no other one of another kind is waited for.
    // Or it failed, and one of those who wait asks again.
    if (shared === 'another' || shared === 'again') continue
    return alone(kit, ask, shared === 'late' ? { ...decision, detail: 'collapse-timeout' } : decision)
  }
}

function alone<S extends object>(kit: Kit<S>, ask: Ask<S>, decision: Onward): Promise<Reply> {
  return askedDirectly({ kit, ask, decision, flight: kit.flights.alone(ask.key, ask.ctx.request) })
}

function led<S extends object>(kit: Kit<S>, ask: Ask<S>, decision: Onward): Promise<Reply> {
  const { request } = ask.ctx
  const flight = mayLead(request, decision) ? kit.flights.begin(ask.key, request) : undefined
  if (!flight) return alone(kit, ask, decision)
  const asked = { kit, ask, decision, flight }
  return askedApart(asked) ?? askedDirectly(asked)
}

function mayCollapse<S extends object>(kit: Kit<S>, ask: Ask<S>, { forward, detail }: Onward): boolean {
  // What is wanted must come from the upstream for this very request.
  if (forward === 'bypass' || forward === 'request' || detail === 'no-cache') return false
  const { isShared, partitioned } = kit.settings.policy
  // Nearly nothing of what is asked with credentials is for others.
  if (isShared && !partitioned && ask.ctx.request.headers.has('authorization')) return false
  return !kit.isLone(ask)
}

/** Whether what comes back to a request can be whole, and for others. */
function mayLead(request: CacheRequest, { kind }: Onward): boolean {
  const { headers, method } = request
  if (method !== 'GET' || headers.has('range') || requestDirectives(request)?.has('no-store')) return false
  // Else they are replaced by those of what is stored.
  return kind === 'revalidate' || !(headers.has('if-none-match') || headers.has('if-modified-since'))
}

function mayJoin<S extends object>(kit: Kit<S>, ask: Ask<S>, { landing, request }: Flight, names: ReadonlySet<string>): boolean {
  if (landing) return 'meta' in landing && fitOf(kit, ask, landing) === 'yes'
  if (names.size === 0) return true
  const list = [...names]
  return JSON.stringify(selectingHeaders(list, request)) === JSON.stringify(selectingHeaders(list, ask.ctx.request))
}

type Usable = Extract<Landing, { meta: unknown }>

function fitOf<S extends object>(kit: Kit<S>, { ctx }: Ask<S>, landing: Usable): 'yes' | 'another' | 'alone' {
  const { clock, policy } = kit.settings
  if (landing.kind === 'reply' && !landing.body.isOpen) return 'alone'
  const verdict = evaluate(ctx.request, [landing.meta], clock.date(), policy)
  if (verdict.kind === 'hit' || verdict.kind === 'stale') return 'yes'
  return 'forward' in verdict && verdict.forward === 'vary-miss' ? 'another' : 'alone'
}

type MaybeShared = Fetched | 'late' | 'another' | 'again' | 'alone'

function sharedReply<S extends object>(
  kit: Kit<S>,
  ask: Ask<S>,
  decision: Onward,
  landing: Landing | undefined,
  failures: number,
): MaybeShared {
  if (!landing) return 'late'
  if (landing.kind === 'alone') return 'alone'
  if (landing.kind === 'failed') return afterFailure(kit, ask, decision, landing, failures)
  const fit = fitOf(kit, ask, landing)
  return fit === 'yes' ? (joined(kit, ask, decision, landing) ?? 'alone') : fit
}

function afterFailure<S extends object>(
  kit: Kit<S>,
  ask: Ask<S>,
  decision: Onward,
  failure: Failure,
  failures: number,
): MaybeShared {
  const stale = staleInstead(kit, ask, decision, failure.status, true)
  if (stale) return stale
  if (!isOfUpstream(failure)) return 'alone'
  return failures < maxFailures ? 'again' : failedTogether(kit, ask, decision, failure)
}

function joined<S extends object>(kit: Kit<S>, { ctx }: Ask<S>, decision: Onward, landing: Usable): Fetched | undefined {
  const { clock, policy } = kit.settings
  const { meta, status: forwardStatus } = landing
  const status = { forward: decision.forward, forwardStatus, collapsed: true }
  const answer = respond(ctx.request, meta, clock.date(), policy, status)
  const isRenewed = landing.kind === 'renewed'
  const told = { result: isRenewed ? 'revalidated' : 'miss', bytes: bytesOfAnswer(answer, meta), isCollapsed: true } as const
  if (isRenewed) {
    const reply = kit.replyOf(answer, landing.entry, meta)
    return reply && { reply, told }
  }
  const body = answer.body === 'none' ? null : landing.body.reader()
  return { reply: { status: answer.status, headers: answer.headers, body }, told }
}
