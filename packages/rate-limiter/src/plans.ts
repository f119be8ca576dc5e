import { type Clock, isPromise, type MaybePromise, publish } from '@gatelet/core'
import { LRUCache } from 'lru-cache'
import { shortened } from './keys.ts'
import { type PlanOptions, policies } from './options.ts'
import type { PolicyDefaults, RatePolicyOptions } from './policy.ts'
import { PolicySet } from './policy-set.ts'

type Found<S extends object> = { readonly set: PolicySet<S> | undefined }

/** The plans of keys, looked up by the user's function: once for all who ask at the same time, and kept for a while. */
export class Plans<S extends object> {
  private readonly plans: LRUCache<string, Found<S>, string>
  private readonly find: PlanOptions<S>['find']
  private readonly defaults: PolicyDefaults<S>
  private readonly clock: Clock
  private readonly timeoutMs: number

  constructor(given: PlanOptions<S> | PlanOptions<S>['find'], defaults: PolicyDefaults<S>, clock: Clock) {
    const {
      find,
      ttl = 60_000,
      retry = 5_000,
      timeout = 1_000,
      max = 10_000,
    } = typeof given === 'function' ? { find: given } : given
    this.find = find
    this.defaults = defaults
    this.clock = clock
    this.timeoutMs = timeout as number
    this.plans = new LRUCache({
      max,
      ttl: ttl as number,
      // A time of 0 means nothing to it, and a clock may stand there.
      perf: { now: () => clock.now() + 1 },
      // Else it sets a timer of its own, to ask the clock less often.
      ttlResolution: 0,
      // What is over is what holds when the look-up fails.
      noDeleteOnStaleGet: true,
      // Whoever waits for a plan gets it, also when it is thrown out meanwhile.
      ignoreFetchAbort: true,
      fetchMethod: (_short, stale, { options, context: key }) =>
        this.lookUp(key).catch((error: unknown) => {
          publish('rate:plan-failed', { key, error })
          options.ttl = retry as number
          return stale ?? { set: undefined }
        }),
    })
  }

  /** @returns undefined where the limiter's own policies hold. Never rejects */
  of(key: string): MaybePromise<PolicySet<S> | undefined> {
    // Strangers choose keys that stand in headers: a long one must not be kept for each plan.
    const short = shortened(key)
    const known = this.plans.get(short)
    return known ? known.set : this.plans.fetch(short, { context: key }).then((found) => found?.set)
  }

  private async lookUp(key: string): Promise<Found<S>> {
    const answer = this.find(key)
    const found = isPromise(answer) ? await this.inTime(answer) : answer
    if (found === undefined || found === null) return { set: undefined }
    // It may come out of a database: checked like options that were written down.
    const checked = policies(Array.isArray(found) ? found : [found], 'plan')
    return { set: new PolicySet(checked as unknown as readonly RatePolicyOptions<S>[], this.defaults) }
  }

  private inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`the plan was not found in ${this.timeoutMs} ms`))
      const cancel = this.clock.setTimer(late, this.timeoutMs)
      Promise.resolve(answer).then(resolve, reject).finally(cancel)
    })
  }
}
