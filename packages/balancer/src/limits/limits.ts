import { type Clock, isHeard, type Outcome, publish } from '@gatelet/core'
import type { EndpointState } from '../endpoint.ts'
import type { Gate } from '../gate.ts'
import type { Snapshot } from '../membership.ts'
import { AdaptiveLimit } from './adaptive.ts'
import type { LimitRules } from './options.ts'

/** What the limits live by. */
export interface LimitsInit {
  readonly rules: LimitRules
  readonly clock: Clock
  readonly name: string | undefined
  /** Told when an endpoint may take more than before. */
  readonly onRoom: () => void
}

/** The stage that knows how many requests each endpoint may have in flight. What is at its limit is not picked. */
export class Limits implements Gate {
  readonly reason = 'at-limit'
  private readonly init: LimitsInit
  private readonly gates: Gate[]
  private readonly found = new WeakMap<EndpointState, AdaptiveLimit>()

  /** @param gates where it takes its place as soon as an endpoint has a limit */
  constructor(init: LimitsInit, gates: Gate[]) {
    this.init = init
    this.gates = gates
  }

  admits({ leases }: EndpointState): boolean {
    return !leases.isFull
  }

  update({ members }: Snapshot): void {
    for (const member of members) this.set(member)
    if (!this.gates.includes(this) && members.some(({ leases }) => leases.max < Number.POSITIVE_INFINITY)) this.gates.push(this)
  }

  /** Learns how an attempt went. */
  learn(endpoint: EndpointState, outcome: Outcome): void {
    if (!this.init.rules.adaptive) return
    const limit = this.found.get(endpoint)
    if (!limit) return
    const before = endpoint.leases.max
    // Released already, where nobody said how it went before.
    if (!limit.learn(outcome, Math.max(1, endpoint.inflight), this.init.clock.now())) return
    this.set(endpoint)
    const { max } = endpoint.leases
    if (max !== before) this.tell(endpoint, max)
    if (max > before) this.init.onRoom()
  }

  private set(member: EndpointState): void {
    const { perEndpoint, adaptive } = this.init.rules
    const given = member.maxInflight ?? perEndpoint
    if (adaptive && !this.found.has(member)) this.found.set(member, new AdaptiveLimit(adaptive))
    member.leases.max = Math.min(given, this.found.get(member)?.value ?? given)
  }

  private tell(endpoint: EndpointState, limit: number): void {
    const { name: balancer } = this.init
    if (isHeard('limit:changed')) publish('limit:changed', { endpoint, limit, ...(balancer === undefined ? {} : { balancer }) })
  }
}
