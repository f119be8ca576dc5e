import cluster from 'node:cluster'
import { type Checks, type Clock, checkOptions, options, systemClock } from '@gatelet/core'
import { memoryRateStore } from '../memory/memory-store.ts'
import { Asking } from '../remote/asking.ts'
import { Breaker, type BreakerOptions, breakerChecks } from '../remote/breaker.ts'
import { newLeases } from '../remote/new-leases.ts'
import type { RateRequest, RateStore, RateVerdict } from '../store.ts'
import { toPrimary } from './to-primary.ts'

/** What happens when the primary is slow or does not count. */
export interface ClusterRateStoreOptions {
  /**
   * How long a decision may take, in milliseconds; then the limiter goes by its `onStoreError`. As many decisions wait as come
   * in that time. Default: 50.
   */
  timeoutMs?: number
  /** When a primary that fails is left alone, and for how long. */
  breaker?: BreakerOptions
  /** Default: the machine's. */
  clock?: Clock
}

/**
 * Counts in the primary of `node:cluster`, shared by all workers of one machine: exact, without any other program. The primary
 * calls `countForWorkers`. Elsewhere than in a worker, it counts in this process.
 *
 * A decision costs one message to the primary and one back: for more machines, or more than some ten thousand decisions a
 * second, take Redis.
 * @throws GatewayError `BAD_OPTION`
 * @example
 * if (cluster.isPrimary) {
 *   countForWorkers()
 *   for (let worker = 0; worker < 4; worker++) cluster.fork()
 * } else await serve(chain().use(rateLimit({ limit: 100, per: '1m', store: clusterRateStore() })).to(handler), { port: 8080 })
 */
export function clusterRateStore(given: ClusterRateStoreOptions = {}): RateStore {
  const { clock = systemClock, ...checked } = checkOptions('clusterRateStore', given, checks)
  return cluster.isWorker ? new CountsInPrimary({ clock, ...checked }) : memoryRateStore({ clock })
}

class CountsInPrimary implements RateStore {
  private readonly asking: Asking

  constructor({ clock, timeoutMs = 50, breaker: options = {} }: ClusterRateStoreOptions & { readonly clock: Clock }) {
    const breaker = new Breaker({ store: 'cluster', clock, options })
    this.asking = new Asking({ store: 'cluster', clock, timeoutMs, breaker, isReady: () => process.connected })
  }

  take(requests: readonly RateRequest[], signal?: AbortSignal): Promise<readonly RateVerdict[]> {
    return this.asking.ask({
      send: () => toPrimary('take', requests),
      read: (verdicts) => verdicts.map(withInfinity),
      onLate: (verdicts) => this.endLeases(requests, verdicts),
      signal,
    })
  }

  give(requests: readonly RateRequest[]): Promise<void> {
    // Sent in any case: nothing else frees a slot while this worker lives. Only waiting for it has a bound.
    const given = toPrimary('give', requests)
    given.catch(() => {})
    return this.asking.ask({ send: () => given, read() {} })
  }

  // Whoever asked has gone on without: nobody else would give them back. Units that were taken stay taken.
  private endLeases(requests: readonly RateRequest[], verdicts: readonly RateVerdict[]): void {
    const leases = newLeases(requests)
    if (leases.length === 0 || !verdicts.every(({ allowed }) => allowed)) return
    this.give(leases).catch(() => {})
  }
}

const withInfinity = (verdict: RateVerdict): RateVerdict =>
  verdict.retryAfterMs === null ? { ...verdict, retryAfterMs: Number.POSITIVE_INFINITY } : verdict

const checks: Checks<ClusterRateStoreOptions> = {
  timeoutMs: options.optional(options.milliseconds()),
  breaker: options.optional(options.shape(breakerChecks)),
  clock: options.optional(options.clock),
}
