import { type Clock, GatewayError, isPromise, type MaybePromise } from '@gatelet/core'
import { give } from './asking.ts'
import { MAX_INTEGER } from './headers.ts'
import { Deadlines } from './remote/deadlines.ts'
import { newLeases } from './remote/new-leases.ts'
import type { RateRequest, RateStore, RateVerdict } from './store.ts'

/**
 * Any store, as the limiter can rely on it: it answers within its time, and with verdicts, or it throws. A store that answers
 * at once does so here too. A lease that is had too late is given back, since nobody else would end it. Units that were taken
 * stay taken: the request has gone on without, so it has come.
 */
export class BoundedStore implements RateStore {
  private readonly store: RateStore
  private readonly timeoutMs: number
  private readonly deadlines: Deadlines

  constructor(store: RateStore, clock: Clock, timeoutMs: number) {
    this.store = store
    this.timeoutMs = timeoutMs
    this.deadlines = new Deadlines(clock, timeoutMs)
  }

  get leaseMs(): number | undefined {
    return this.store.leaseMs
  }

  /** @throws GatewayError `STORE_TIMEOUT`; `INTERNAL` for what is no answer; and what the store throws */
  take(requests: readonly RateRequest[]): MaybePromise<readonly RateVerdict[]> {
    const answer = this.store.take(requests)
    if (!isPromise(answer)) return checked(answer, requests)
    // Whatever it says: giving back a lease that is not held does nothing.
    const late = () => give(this, newLeases(requests))
    return this.inTime(answer, late).then((verdicts) => checked(verdicts, requests))
  }

  /** @throws GatewayError `STORE_TIMEOUT`; and what the store throws */
  give(requests: readonly RateRequest[]): MaybePromise<void> {
    const given = this.store.give(requests)
    return isPromise(given) ? this.inTime(given) : undefined
  }

  private inTime<T>(answer: Promise<T>, late?: () => unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const deadline = this.deadlines.begin(() => reject(this.timeout()))
      const ended = () => {
        if (!deadline.end()) late?.()
      }
      // The other outcome stands already for who is late.
      void Promise.resolve(answer).then(resolve, reject).then(ended)
    })
  }

  private timeout(): GatewayError {
    return new GatewayError('STORE_TIMEOUT', { message: `the store of limits: no answer within ${this.timeoutMs} ms` })
  }
}

/** What a store has answered. @throws GatewayError `INTERNAL` for what the contract does not know */
function checked(verdicts: readonly RateVerdict[], requests: readonly RateRequest[]): readonly RateVerdict[] {
  if (verdicts?.length === requests.length && verdicts.every(isVerdict)) return verdicts
  throw new GatewayError('INTERNAL', { message: 'the store of limits answered without a verdict for each request' })
}

function isVerdict(verdict: RateVerdict | null | undefined): boolean {
  if (typeof verdict?.allowed !== 'boolean' || !isTime(verdict.resetMs) || !isTime(verdict.retryAfterMs)) return false
  // What header fields can say.
  return Number.isInteger(verdict.remaining) && verdict.remaining >= 0 && verdict.remaining <= MAX_INTEGER
}

const isTime = (ms: number) => typeof ms === 'number' && ms >= 0
