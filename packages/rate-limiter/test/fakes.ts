import { type Handler, json, type Middleware } from '@gatelet/core'
import type { RateLimitVerdict, RateRequest, RateStore, RateVerdict } from '@gatelet/rate-limiter'
import { memoryRateStore, rateLimit } from '@gatelet/rate-limiter'
import { type Answer, exchange, type RequestLike, type TestExchange, type VirtualClock, virtualClock } from '@gatelet/testing'

/** Answers 200. */
export const ok: Handler = () => json({ ok: true })

/** Asks as a client that reads the whole reply. */
export function asker(layer: Middleware, clock: VirtualClock, next: Handler = ok): (request?: RequestLike) => Promise<Answer> {
  return (request = '/') => exchange(request, { clock }).ask(layer, next)
}

/** The statuses of so many requests, one after another. */
export async function statuses(ask: () => Promise<Answer>, times: number): Promise<number[]> {
  const found: number[] = []
  while (found.length < times) found.push((await ask()).status)
  return found
}

/** A request whose reply the test ends by hand. */
export function held(layer: Middleware, clock: VirtualClock): { side: TestExchange; status: Promise<number> } {
  const side = exchange('/', { clock })
  const reply = new Promise<number>((resolve) => {
    const answered = layer(side.ctx, () => json({}))
    void Promise.resolve(answered).then(({ status }) => resolve(status))
  })
  return { side, status: reply }
}

/** A store for many processes as a test plays it: it answers later, fails on demand, and tells what it was asked. */
export class FarStore implements RateStore {
  leaseMs: number | undefined
  failing: Error | undefined
  /** Answers are held until `answer`. */
  isHeld = false
  readonly taken: (readonly RateRequest[])[] = []
  readonly given: RateRequest[] = []
  private readonly store: RateStore
  private readonly waiting: (() => void)[] = []

  constructor(clock: VirtualClock) {
    this.store = memoryRateStore({ clock })
  }

  async take(requests: readonly RateRequest[]): Promise<readonly RateVerdict[]> {
    this.taken.push(requests)
    if (this.isHeld) await new Promise<void>((resolve) => this.waiting.push(resolve))
    if (this.failing) throw this.failing
    return this.store.take(requests)
  }

  async give(requests: readonly RateRequest[]): Promise<void> {
    this.given.push(...requests)
    if (this.failing) throw this.failing
    await this.store.give(requests)
  }

  answer(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}

/** A limiter of one slot, whose store ends leases by itself. */
export function leasing(): { clock: VirtualClock; store: FarStore; layer: Middleware } {
  const clock = virtualClock()
  const store = new FarStore(clock)
  store.leaseMs = 30_000
  return { clock, store, layer: rateLimit({ limit: 1, algorithm: 'concurrency', store, clock }) }
}

/** What somebody who hears of decisions keeps. */
export interface Decision {
  readonly verdict: Pick<RateLimitVerdict, 'allowed' | 'source'>
  readonly isShadow: boolean
  readonly error?: unknown
}
