import type { MaybePromise } from '@gatelet/core'
import { give, retake } from './asking.ts'
import { checkedCost } from './policy.ts'
import type { RateRequest, RateStore } from './store.ts'
import type { RateLimitVerdict } from './verdict.ts'

/** What a request has been granted, for the layers behind. Where `as` says so, the state holds it. */
export interface RateGrant {
  /** How the request stands. In shadow mode it may say that it is over a limit. */
  readonly verdict: RateLimitVerdict
  /**
   * Says what the request has really cost, at any time, also after the reply: the difference is given back or taken, without
   * asking. The last call counts. Of several policies name those that are meant; a number is for all but `concurrency`. What the
   * store cannot be told is lost.
   * @throws GatewayError `INTERNAL` for what is no cost
   * @example ctx.state.tokens.settle({ 'tokens-per-minute': usage.total })
   */
  settle(actualCost: number | Readonly<Record<string, number>>): MaybePromise<void>
}

/** A grant as the limiter holds it. */
export class Granted implements RateGrant {
  readonly verdict: RateLimitVerdict
  private readonly store: RateStore | undefined
  private taken: RateRequest[]

  /**
   * @param store who has counted
   * @param taken what was taken, with the stamps of the verdicts
   */
  constructor(verdict: RateLimitVerdict, store: RateStore | undefined, taken: readonly RateRequest[]) {
    this.verdict = verdict
    this.store = store
    this.taken = [...taken]
  }

  settle(actual: number | Readonly<Record<string, number>>): MaybePromise<void> {
    const changes: RateRequest[] = []
    this.taken = this.taken.map((request) => {
      const { rule, cost } = request
      const now = costIn(actual, rule.name)
      if (now === undefined || isSlot(request)) return request
      checkedCost(now, `what a request has cost by the policy ${rule.name}`)
      if (now !== cost) changes.push({ ...request, cost: cost - now })
      return { ...request, cost: now }
    })
    return give(this.store, changes)
  }

  /** Whether it holds slots of `concurrency`, which somebody has to give back. */
  get hasSlots(): boolean {
    return this.store !== undefined && this.taken.some(isSlot)
  }

  /** How long its slots last by themselves. */
  get leaseMs(): number | undefined {
    return this.store?.leaseMs
  }

  /** Takes its slots again. Who holds a lease always has it; while the store is away there is nothing to renew. */
  renew(): void {
    for (const slot of this.taken.filter(isSlot)) retake(this.store, slot)
  }

  /** Gives the slots back. Once: a lease ends once. */
  release(): MaybePromise<void> {
    const slots = this.taken.filter(isSlot)
    this.taken = this.taken.filter((request) => !isSlot(request))
    return give(this.store, slots)
  }
}

function costIn(actual: number | Readonly<Record<string, number>>, name: string): number | undefined {
  if (typeof actual === 'number') return actual
  // A policy may be called `constructor`.
  return Object.hasOwn(actual, name) ? actual[name] : undefined
}

function isSlot({ rule }: RateRequest): boolean {
  return rule.algorithm === 'concurrency'
}
