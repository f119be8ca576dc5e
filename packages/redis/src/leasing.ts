import { type Checks, type Clock, type MaybePromise, options } from '@gatelet/core'
import type { RateRequest, RateStore, RateVerdict } from '@gatelet/rate-limiter'
import { Deadlines, type Pending } from '@gatelet/rate-limiter/toolkit'

/** How much is taken ahead. */
export interface LeaseOptions {
  /** So many requests are taken at once, 2 to 100,000. */
  size: number
  /** What is not used within this time is given back, in milliseconds. Default: 1,000. */
  maxMs?: number
}

/** What each option must be. */
export const leaseChecks: Checks<LeaseOptions> = {
  size: options.number({ min: 2, max: 100_000, integer: true }),
  maxMs: options.optional(options.milliseconds()),
}

/** What leasing lives by. */
export interface LeasingInit {
  readonly store: RateStore
  readonly clock: Clock
  readonly options: LeaseOptions
  /** The same for decisions that ask for the same, and for no others. */
  readonly idOf: (requests: readonly RateRequest[]) => string
}

/** Units of one decision, taken ahead of the requests that will use them. */
interface Lease {
  readonly requests: readonly RateRequest[]
  verdicts: readonly RateVerdict[]
  /** For how many requests. */
  left: number
  takenAt: number
  /** For how many to ask next. 1: each request asks for itself, since little is left or not many came. */
  nextSize: number
  /** Where one is asked for: whoever comes meanwhile waits for it. */
  refill: Promise<void> | undefined
  end: Pending
}

/** As many leases are held at the same time; requests beyond ask for themselves. */
const MAX_LEASES = 10_000

/**
 * Takes units for many requests at once, so that most of them need not ask. What it costs in exactness, with `p` processes:
 *
 * - Every unit is taken before it is used, at most `maxMs` before. So in any window at most `p * size` more pass than the
 *   rule allows: those that were taken in the window before.
 * - Units that are taken and not yet used are missed elsewhere. So a request may be refused while up to `p * size` are left,
 *   and for at most `maxMs`.
 * - A process that dies loses what it holds, until it has refilled.
 *
 * Only decisions in which every cost is 1 and no rule is of `concurrency` are taken ahead; all others are exact.
 */
export class Leasing implements RateStore {
  private readonly init: LeasingInit
  private readonly leases = new Map<string, Lease>()
  private readonly deadlines: Deadlines

  constructor(init: LeasingInit) {
    this.init = init
    this.deadlines = new Deadlines(init.clock, init.options.maxMs ?? 1_000)
  }

  take(requests: readonly RateRequest[], signal?: AbortSignal): MaybePromise<readonly RateVerdict[]> {
    const { store, idOf } = this.init
    if (!requests.every(isOne)) return store.take(requests, signal)
    const id = idOf(requests)
    const lease = this.leases.get(id) ?? this.begin(id, requests)
    if (!lease) return store.take(requests, signal)
    return (
      this.used(lease) ?? (lease.nextSize > 1 ? this.afterRefill(lease, requests, signal) : this.alone(lease, requests, signal))
    )
  }

  give(requests: readonly RateRequest[]): MaybePromise<void> {
    return this.init.store.give(requests)
  }

  /** Gives back all that it holds. */
  async close(): Promise<void> {
    await Promise.all([...this.leases.keys()].map((id) => this.end(id)))
  }

  private begin(id: string, requests: readonly RateRequest[]): Lease | undefined {
    if (this.leases.size >= MAX_LEASES) return undefined
    const end = this.deadlines.begin(() => void this.end(id))
    const lease: Lease = { requests, verdicts: [], left: 0, takenAt: 0, nextSize: 1, refill: undefined, end }
    this.leases.set(id, lease)
    return lease
  }

  private async end(id: string): Promise<void> {
    const lease = this.leases.get(id)
    if (!lease) return
    this.leases.delete(id)
    lease.end.end()
    try {
      // Whoever waits for it uses of it first.
      await lease.refill
      const { left, requests, verdicts } = lease
      lease.left = 0
      if (left === 0) return
      await this.init.store.give(requests.map((request, at) => ({ ...request, cost: left, stamp: verdicts[at]?.stamp })))
    } catch {
      // A store that is away does not take it back; it refills by itself.
    }
  }

  /** Uses one unit that is there. What is told of the rules is what the store said, and what is held here. */
  private used(lease: Lease): readonly RateVerdict[] | undefined {
    if (lease.left === 0) return undefined
    lease.left--
    const passedMs = this.init.clock.now() - lease.takenAt
    return lease.verdicts.map((verdict) => ({
      ...verdict,
      remaining: verdict.remaining + lease.left,
      resetMs: Math.max(0, verdict.resetMs - passedMs),
    }))
  }

  private async alone(lease: Lease, requests: readonly RateRequest[], signal?: AbortSignal): Promise<readonly RateVerdict[]> {
    const verdicts = await this.init.store.take(requests, signal)
    lease.nextSize = this.sizeAfter(verdicts, 1)
    return verdicts
  }

  private async afterRefill(
    lease: Lease,
    requests: readonly RateRequest[],
    signal?: AbortSignal,
  ): Promise<readonly RateVerdict[]> {
    lease.refill ??= this.refill(lease)
    await lease.refill
    return this.used(lease) ?? this.take(requests, signal)
  }

  private async refill(lease: Lease): Promise<void> {
    const { store, clock } = this.init
    const size = lease.nextSize
    try {
      lease.takenAt = clock.now()
      const verdicts = await store.take(lease.requests.map((request) => ({ ...request, cost: size })))
      lease.nextSize = this.sizeAfter(verdicts, size)
      if (isTaken(verdicts)) Object.assign(lease, { verdicts, left: size })
    } finally {
      lease.refill = undefined
    }
  }

  // Twice as many each time, so that a key which comes once costs one call. Never more than half of what is left, for there
  // are others: who takes the last units at once leaves them with nothing.
  private sizeAfter(verdicts: readonly RateVerdict[], size: number): number {
    if (!isTaken(verdicts)) return 1
    const left = Math.min(...verdicts.map(({ remaining }) => remaining))
    return Math.max(1, Math.min(this.init.options.size, 2 * size, Math.floor(left / 2)))
  }
}

const isTaken = (verdicts: readonly RateVerdict[]) => verdicts.every(({ allowed }) => allowed)

const isOne = ({ cost, rule }: RateRequest) => cost === 1 && rule.algorithm !== 'concurrency'
