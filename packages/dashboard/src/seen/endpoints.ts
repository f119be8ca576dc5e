import type { Clock, Endpoint, EventMap, Outcome } from '@gatelet/core'
import type { EndpointChangeView, EndpointView } from '../api/views.ts'
import { Recent } from '../figures/recent.ts'
import type { BalancerHandle, EndpointHandle } from '../handles.ts'
import { redacted } from '../redact.ts'

const SLOTS = 6
const SLOT_MS = 5_000
const CHANGES_KEPT = 50

interface Seen {
  readonly recent: Recent
  attempts: number
  failures: number
  retries: number
}

/** What attempts and changes told of endpoints. Kept by the endpoint itself, and gone with it. */
export class Endpoints {
  readonly startedAt: number
  private readonly clock: Clock
  private readonly seen = new WeakMap<object, Seen>()
  private readonly changedAt = new WeakMap<object, number>()
  private readonly changes: EndpointChangeView[] = []

  constructor(clock: Clock) {
    this.clock = clock
    this.startedAt = clock.date()
  }

  attempted(endpoint: Endpoint, { kind, latencyMs }: Outcome, attempt: number): void {
    // It tells nothing of the endpoint: the client left, or another attempt was faster.
    if (kind === 'cancelled') return
    const seen = this.of(endpoint)
    seen.attempts++
    if (kind === 'failure') seen.failures++
    if (attempt > 0) seen.retries++
    seen.recent.add(this.clock.now(), latencyMs, kind === 'failure')
  }

  changed({ endpoint, change, reason, balancer }: EventMap['endpoint:changed']): void {
    const at = this.clock.date()
    this.changedAt.set(endpoint, at)
    const why = reason === undefined ? undefined : redacted(reason)
    this.changes.unshift({ at, endpoint: redacted(endpoint.id), change, reason: why, balancer })
    if (this.changes.length > CHANGES_KEPT) this.changes.pop()
  }

  recentChanges(): readonly EndpointChangeView[] {
    return this.changes
  }

  view(name: string, balancer: BalancerHandle): readonly EndpointView[] {
    const canDrain = balancer.drain !== undefined && balancer.setWeight !== undefined
    return balancer.endpoints.map((endpoint) => this.viewOf(name, endpoint, canDrain))
  }

  private viewOf(balancer: string, endpoint: EndpointHandle, canChange: boolean): EndpointView {
    const seen = this.seen.get(endpoint)
    const { id, weight, inflight, state = 'active', reason, fullWeight = weight, limit, priority = 0, zone } = endpoint
    const rates = seen?.recent.read(this.clock.now()) ?? { perSecond: 0, failedShare: 0 }
    return {
      ...{ balancer, id, state, weight, fullWeight, priority, zone, canChange },
      inFlight: inflight,
      reason: reason === undefined ? undefined : redacted(reason),
      // JSON has no infinity.
      limit: limit !== undefined && Number.isFinite(limit) ? limit : undefined,
      since: this.changedAt.get(endpoint),
      ...{ attempts: seen?.attempts ?? 0, failures: seen?.failures ?? 0, retries: seen?.retries ?? 0 },
      ...rates,
    }
  }

  private of(endpoint: Endpoint): Seen {
    const found = this.seen.get(endpoint)
    if (found) return found
    const made = { recent: new Recent(SLOTS, SLOT_MS, this.clock.now()), attempts: 0, failures: 0, retries: 0 }
    this.seen.set(endpoint, made)
    return made
  }
}
