import { randomBytes } from 'node:crypto'
import {
  addressRanges,
  amended,
  type Clock,
  type Context,
  type Handler,
  isHeard,
  isPromise,
  isWithin,
  type MaybePromise,
  publish,
  type Reply,
  systemClock,
} from '@gatelet/core'
import { type Asked, Asker } from './asking.ts'
import { Ban } from './ban.ts'
import { BoundedStore } from './bounded-store.ts'
import { Granted } from './grant.ts'
import { addLegacyFields, limitField, retryAfterField } from './headers.ts'
import { judged } from './judging.ts'
import { storedKey, whoOf } from './keys.ts'
import { memoryRateStore } from './memory/memory-store.ts'
import type { CheckedOptions } from './options.ts'
import { Plans } from './plans.ts'
import { ruleFrom } from './policy.ts'
import { type Claim, PolicySet } from './policy-set.ts'
import { limitedReply } from './replies.ts'
import { holdSlots } from './slots.ts'
import type { RateRequest } from './store.ts'
import type { LimitedVerdict, RateLimitVerdict } from './verdict.ts'
import { Waiting } from './waiting/waiting.ts'

/** What stands behind `rateLimit`: from a request to its claim, from the claim to a verdict, from the verdict to a reply. */
export class Limiter<S extends object> {
  private readonly options: CheckedOptions<S>
  private readonly clock: Clock
  private readonly own: PolicySet<S>
  private readonly plans: Plans<S> | undefined
  private readonly asker: Asker
  private readonly ban: Ban | undefined
  private readonly waiting: Waiting | undefined
  private readonly isExempt: (ctx: Context<S>) => boolean
  private readonly isRefunded: ((status: number) => boolean) | undefined

  constructor(options: CheckedOptions<S>) {
    const { clock = systemClock, store, storeTimeoutMs = 1_000, onStoreError = 'local', mode, wait = {}, ban, plan } = options
    this.options = options
    this.clock = clock
    this.own = new PolicySet(options.policies, options)
    this.plans = plan && new Plans(plan, options, clock)
    const counts = store ? new BoundedStore(store, clock, storeTimeoutMs) : memoryRateStore({ clock })
    this.asker = new Asker(counts, onStoreError === 'local' ? memoryRateStore({ clock }) : undefined)
    this.ban = ban && new Ban(ban, ruleFrom(options.policies[0] as never).name)
    // Who is not refused need not wait either.
    this.waiting = mode && mode !== 'reject' && !options.shadow ? new Waiting(mode, this.asker, wait, clock) : undefined
    this.isExempt = exemption(options.allow)
    this.isRefunded = refunds(options.refund)
  }

  handle(ctx: Context<S>, next: Handler<S>): MaybePromise<Reply> {
    if (this.isExempt(ctx)) return next(this.told(ctx, nothingHolds))
    // Of these, policies may have all the keys of their own.
    if (!this.plans && !this.ban) return this.decide(ctx, next, this.own, undefined)
    const who = whoOf(this.options.key, ctx)
    const key = storedKey(who, ctx)
    // Of whom nothing is known there is nothing to look up.
    const set = who === undefined ? undefined : this.plans?.of(who)
    if (!isPromise(set)) return this.decide(ctx, next, set ?? this.own, key)
    return set.then((found) => this.decide(ctx, next, found ?? this.own, key))
  }

  /** @param key by the limiter's own `key`, where more than the policies asks for it */
  private decide(ctx: Context<S>, next: Handler<S>, set: PolicySet<S>, key: string | undefined): MaybePromise<Reply> {
    const claim = set.claim(ctx, nextLease(), key)
    const { requests } = claim
    const all = this.ban && key !== undefined ? [...requests, this.ban.request(key)] : requests
    if (all.length === 0) return next(this.told(ctx, nothingHolds))
    const asked = this.waiting ? this.waiting.ask(ctx as Context<never>, all) : this.asker.ask(all)
    if (!isPromise(asked)) return this.go(ctx, next, claim, all, asked)
    return asked.then((found) => this.go(ctx, next, claim, all, found))
  }

  private go(ctx: Context<S>, next: Handler<S>, claim: Claim<S>, all: readonly RateRequest[], asked: Asked): MaybePromise<Reply> {
    const { shadow = false, onStoreError } = this.options
    const verdict = judged(claim.policies, asked, onStoreError === 'closed')
    if (isHeard('rate:decided')) {
      publish('rate:decided', { context: ctx as unknown as Context, verdict, isShadow: shadow, error: asked.error })
    }
    if (!verdict.allowed && verdict.reason === 'quota' && asked.store && !asked.hasLeft) {
      // Its own request stands behind those of the policies.
      this.ban?.strike(all[claim.requests.length] as RateRequest, asked.store)
    }
    if (!verdict.allowed && !shadow) return this.refuse(ctx, claim, verdict)
    return this.pass(ctx, next, claim, all, asked, verdict)
  }

  private pass(
    ctx: Context<S>,
    next: Handler<S>,
    claim: Claim<S>,
    all: readonly RateRequest[],
    { store, verdicts }: Asked,
    verdict: RateLimitVerdict,
  ): MaybePromise<Reply> {
    const { isRefunded } = this
    // Most limiters only count: what has been taken need not be remembered.
    if (!isRefunded && !claim.hasSlots && this.options.as === undefined)
      return amended(ctx, next, (reply) => this.announce(reply, claim, verdict))
    const taken = verdict.allowed ? claim.requests.map((request, at) => ({ ...request, stamp: verdicts[at]?.stamp })) : []
    const granted = new Granted(verdict, store, taken)
    if (granted.hasSlots) holdSlots(ctx, granted, this.clock, () => this.waiting?.nudge(all))
    // When the exchange is over the status is known that was sent; most often it is known before.
    if (isRefunded) ctx.onFinish(({ status }) => void (isRefunded(status) && granted.settle(0)))
    return amended(this.told(ctx, granted), next, (reply) => {
      if (isRefunded?.(reply.status)) void granted.settle(0)
      this.announce(reply, claim, verdict)
    })
  }

  private refuse(ctx: Context<S>, claim: Claim<S>, verdict: LimitedVerdict): MaybePromise<Reply> {
    const { onLimited = (_: Context<S>, limited: LimitedVerdict) => limitedReply(limited) } = this.options
    const answered = (reply: Reply): Reply => {
      const retryAfter = retryAfterField(verdict.retryAfterMs)
      if (retryAfter !== undefined) reply.headers.set('retry-after', retryAfter)
      this.announce(reply, claim, verdict)
      return reply
    }
    const reply = onLimited(ctx, verdict)
    return isPromise(reply) ? reply.then(answered) : answered(reply)
  }

  private announce({ headers }: Reply, { policies, field }: Claim<S>, { policies: verdicts }: RateLimitVerdict): void {
    const { headers: style = 'standard', shadow } = this.options
    // Nothing is said that nobody knows.
    if (!style || shadow || verdicts.length === 0) return
    if (style !== 'legacy') {
      headers.append('ratelimit-policy', field)
      headers.append('ratelimit', limitField(policies, verdicts))
    }
    if (style !== 'standard') addLegacyFields(headers, verdicts, this.clock)
  }

  private told(ctx: Context<S>, granted: Granted): Context<S> {
    const { as } = this.options
    return as === undefined ? ctx : ctx.with({ [as]: granted })
  }
}

const nothingHolds = new Granted({ allowed: true, policies: [], source: 'none' }, undefined, [])

function exemption<S extends object>(allow: CheckedOptions<S>['allow'] = []): (ctx: Context<S>) => boolean {
  if (typeof allow === 'function') return allow
  const ranges = addressRanges(allow, 'allow')
  return ranges.length === 0 ? () => false : ({ request }) => isWithin(request.client.address, ranges)
}

function refunds(refund: CheckedOptions<object>['refund']): ((status: number) => boolean) | undefined {
  if (refund === undefined || typeof refund === 'function') return refund
  const statuses = new Set(refund)
  return (status) => statuses.has(status)
}

// Leases of two processes must not meet in the store that they share.
const thisProcess = randomBytes(9).toString('base64url')
let leases = 0

/** One name for all slots of a request, made only when there are some. */
function nextLease(): () => string {
  let lease: string | undefined
  return () => {
    lease ??= `${thisProcess}.${(leases++).toString(36)}`
    return lease
  }
}
