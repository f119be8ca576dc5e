import assert from 'node:assert/strict'
import type {
  CalendarRule,
  ConcurrencyRule,
  GcraRule,
  RateRequest,
  RateRule,
  RateStore,
  RateVerdict,
  WindowRule,
} from '@gatelet/rate-limiter'

/** A store, and the time that it goes by. */
export interface StartedRateStore {
  readonly store: RateStore
  /** Lets so much time pass for the store: moves its virtual clock, or waits. Awaited. */
  advance(ms: number): unknown
  /** Closes what was started with it. Awaited. */
  close?(): unknown
}

/** Starts a store. It may hold what other cases have counted: they use other keys. */
export type StartRateStore = () => StartedRateStore | Promise<StartedRateStore>

/** What is put to the test. */
export interface RateStoreSubject {
  readonly start: StartRateStore
  /** The unit of time of the cases, in milliseconds. */
  readonly unitMs: number
}

let scenes = 0

/** A store at work, with keys that no other case has. */
export class Scene {
  readonly unitMs: number
  private readonly started: StartedRateStore
  private readonly prefix = `case-${process.pid}-${scenes++}-`
  private leases = 0

  private constructor(started: StartedRateStore, unitMs: number) {
    this.started = started
    this.unitMs = unitMs
  }

  /** Runs one case with a store of its own. */
  static async with({ start, unitMs }: RateStoreSubject, body: (scene: Scene) => Promise<void>): Promise<void> {
    const started = await start()
    try {
      await body(new Scene(started, unitMs))
    } finally {
      await started.close?.()
    }
  }

  get store(): RateStore {
    return this.started.store
  }

  async advance(units: number): Promise<void> {
    await this.started.advance(units * this.unitMs)
  }

  /** A request of cost 1 for a key of this case. */
  request(rule: RateRule, key = 'a', more: Partial<RateRequest> = {}): RateRequest {
    const lease = rule.algorithm === 'concurrency' ? { lease: `${this.prefix}${this.leases++}` } : {}
    // Frozen: what a store is given belongs to the limiter.
    return Object.freeze({ rule: Object.freeze(rule), key: this.prefix + key, cost: 1, ...lease, ...more })
  }

  /** Asks for all in one decision. */
  async ask(...requests: readonly RateRequest[]): Promise<readonly RateVerdict[]> {
    const verdicts = await this.store.take(Object.freeze(requests))
    assert.ok(Array.isArray(verdicts) && verdicts.length === requests.length, 'the answer must have a verdict for each request')
    for (const verdict of verdicts) assertWellFormed(verdict)
    return verdicts
  }

  async take(rule: RateRule, key?: string, more?: Partial<RateRequest>): Promise<RateVerdict> {
    const [verdict] = await this.ask(this.request(rule, key, more))
    return verdict as RateVerdict
  }

  async give(...requests: readonly RateRequest[]): Promise<void> {
    await this.store.give(Object.freeze(requests))
  }

  /** How many of so many requests of cost 1 pass, one after another. */
  async passing(times: number, rule: RateRule, key?: string): Promise<number> {
    let passed = 0
    for (let asked = 0; asked < times; asked++) if ((await this.take(rule, key)).allowed) passed++
    return passed
  }

  /** `limit` in 10 units of time. */
  gcra(limit: number, burst: number, name = 'gcra'): GcraRule {
    return { algorithm: 'gcra', name, limit, windowMs: 10 * this.unitMs, burst }
  }

  /** `limit` in 10 units of time. */
  window(algorithm: WindowRule['algorithm'], limit: number, name: string = algorithm): WindowRule {
    return { algorithm, name, limit, windowMs: 10 * this.unitMs }
  }

  calendar(limit: number, unit: CalendarRule['unit']): CalendarRule {
    return { algorithm: 'calendar', name: unit, limit, unit }
  }

  concurrency(limit: number, name = 'slots'): ConcurrencyRule {
    return { algorithm: 'concurrency', name, limit }
  }
}

function assertWellFormed({ allowed, remaining, resetMs, retryAfterMs, stamp }: RateVerdict): void {
  assert.equal(typeof allowed, 'boolean', 'allowed must be true or false')
  assert.ok(Number.isInteger(remaining) && remaining >= 0, `remaining is ${remaining}, not a whole number from 0 on`)
  assert.ok(resetMs >= 0 && Number.isFinite(resetMs), `resetMs is ${resetMs}`)
  assert.ok(allowed ? retryAfterMs === 0 : retryAfterMs >= 0, `retryAfterMs is ${retryAfterMs} where allowed is ${allowed}`)
  assert.ok(Number.isFinite(stamp), `stamp is ${stamp}, not a number`)
}

/** That a time is `units` from now, or up to `slack` less where real time has passed. */
export function assertTime({ unitMs }: Scene, ms: number, units: number, what: string, slack = 0.9): void {
  const isRight = ms <= units * unitMs + 1 && ms > (units - slack) * unitMs
  assert.ok(isRight, `${what} is ${ms} ms instead of ${units * unitMs}`)
}
