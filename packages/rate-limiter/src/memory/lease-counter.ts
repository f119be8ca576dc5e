import type { ConcurrencyRule, RateRequest, RateVerdict } from '../store.ts'
import type { Counter } from './counter.ts'

/**
 * Requests at the same time, by key. Nothing is kept of a key that has none, so there are never more keys than requests in
 * flight; of those beyond `maxKeys`, all count as one key.
 */
export class LeaseCounter implements Counter {
  private readonly maxKeys: number
  private readonly leases = new Map<string, Set<string>>()
  private readonly beyond = new Set<string>()

  constructor(maxKeys: number) {
    this.maxKeys = maxKeys
  }

  ask(request: RateRequest): boolean {
    const held = this.held(request)
    return held === undefined || held.size < limitOf(request) || held.has(leaseOf(request))
  }

  take(request: RateRequest): number {
    const held = this.held(request)
    if (held) held.add(leaseOf(request))
    else this.leases.set(request.key, new Set([leaseOf(request)]))
    return 0
  }

  verdict(request: RateRequest, _now: number, refused: number | undefined, stamp: number): RateVerdict {
    const remaining = Math.max(0, limitOf(request) - (this.held(request)?.size ?? 0))
    return { allowed: refused === undefined, remaining, resetMs: 0, retryAfterMs: 0, stamp }
  }

  give(request: RateRequest): void {
    const lease = leaseOf(request)
    if (this.beyond.delete(lease)) return
    const held = this.leases.get(request.key)
    if (held?.delete(lease) && held.size === 0) this.leases.delete(request.key)
  }

  private held({ key }: RateRequest): Set<string> | undefined {
    return this.leases.get(key) ?? (this.leases.size < this.maxKeys ? undefined : this.beyond)
  }
}

function limitOf({ rule }: RateRequest): number {
  return (rule as ConcurrencyRule).limit
}

function leaseOf({ lease }: RateRequest): string {
  if (lease === undefined) throw new TypeError('a request of a concurrency rule needs a lease')
  return lease
}
