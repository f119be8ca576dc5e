import type { Clock, Outcome } from '@gatelet/core'
import type { Choice } from '../choice.ts'
import type { EndpointState } from '../endpoint.ts'
import type { Snapshot } from '../membership.ts'
import type { Rankings } from '../ranking.ts'
import { type Aperture, apertureOf } from './aperture.ts'
import { Group } from './group.ts'
import { groupedBy } from './grouped.ts'
import { type TierRules, tierLoads } from './tier-loads.ts'
import { type ZoneRules, zoneShares } from './zone-shares.ts'

/** What a plan is made by. */
export interface PlanRules {
  readonly clock: Clock
  readonly rankings: Rankings
  readonly tiers: TierRules
  readonly zone: ZoneRules | undefined
  readonly aperture: Aperture | undefined
}

/** One priority and how it is served. */
interface Tier {
  readonly priority: number
  /** One for each of its zones, or a single one for all. */
  readonly groups: readonly Group[]
  readonly isPanicking: boolean
}

/** How traffic is shared among priorities, and in these among zones; each of them has a strategy of its own. */
export class Plan {
  private readonly rules: PlanRules
  // Kept as long as there are endpoints for them, so that strategies keep what they know.
  private readonly groups = new Map<string, Group>()
  private ordered: readonly Tier[] = []
  /** Those with a part of the traffic. */
  private drawn: readonly Group[] = []
  private reached: ReadonlySet<EndpointState> = new Set()
  /** Every endpoint, whatever its health and weight. */
  members: readonly EndpointState[] = []

  constructor(rules: PlanRules) {
    this.rules = rules
    // A factory that cannot make a strategy shows at the start, though there may be no endpoint yet.
    this.group(0, undefined)
  }

  /** Every priority, the first one first. */
  get tiers(): readonly Tier[] {
    return this.ordered
  }

  /** Takes over the endpoints and which of them are healthy. */
  update({ members, rotation }: Snapshot): void {
    const { aperture } = this.rules
    this.members = members
    const byPriority = [
      ...groupedBy(
        members.filter(({ weight }) => weight > 0),
        ({ priority }) => priority,
      ),
    ]
      .toSorted(([a], [b]) => a - b)
      .map(([priority, all]) => ({ priority, all: aperture ? apertureOf(all, aperture) : all }))
    this.reached = new Set(byPriority.flatMap(({ all }) => all))
    this.dropGroups(members)
    for (const group of this.groups.values()) group.share = 0
    const health = byPriority.map(({ all }) => ({ total: all.length, healthy: all.filter((each) => rotation.has(each)).length }))
    const loads = tierLoads(health, this.rules.tiers)
    const pickable = byPriority.map(({ all }, at) => (loads[at]?.isPanicking ? all : all.filter((each) => rotation.has(each))))
    this.ordered = byPriority.map(({ priority }, at) => ({
      priority,
      groups: this.groupsOf(priority, pickable[at] as readonly EndpointState[], loads[at]?.share ?? 0),
      isPanicking: loads[at]?.isPanicking ?? false,
    }))
    for (const group of this.groups.values())
      group.update(pickable[byPriority.findIndex(({ priority }) => priority === group.priority)] ?? [])
    this.drawn = this.ordered.flatMap(({ groups }) => groups).filter(({ share }) => share > 0)
  }

  /** @returns one that `choice` accepts: of the group that is drawn, else of its priority, else of the next ones */
  pick(choice: Choice): EndpointState | undefined {
    const first = this.draw()
    const picked = first?.pick(choice)
    if (picked || !first) return picked
    const own = this.ordered.find(({ priority }) => priority === first.priority)
    const nearby = own && this.pickFrom(own, choice, first)
    if (nearby) return nearby
    for (const tier of this.ordered) {
      // One that is only at its limit is free again soon: no reason for a priority that has no part of the traffic.
      if (tier === own || (choice.isHeldBack && !hasShare(tier))) continue
      const elsewhere = this.pickFrom(tier, choice)
      if (elsewhere) return elsewhere
    }
    return undefined
  }

  /** Whether an endpoint is in a group from which it may be picked. */
  offers(endpoint: EndpointState): boolean {
    return this.groupOf(endpoint)?.rotation.has(endpoint) ?? false
  }

  /** Whether an endpoint is of those that this process uses. */
  reaches(endpoint: EndpointState): boolean {
    return this.reached.has(endpoint)
  }

  /** The group that ranks an endpoint now. */
  groupOf(endpoint: EndpointState): Group | undefined {
    for (const { groups } of this.ordered) for (const group of groups) if (group.concerns(endpoint)) return group
    return undefined
  }

  report(endpoint: EndpointState, outcome: Outcome): void {
    for (const group of this.groups.values()) if (group.concerns(endpoint)) group.ranking.report(endpoint, outcome)
  }

  private pickFrom({ groups }: Tier, choice: Choice, except?: Group): EndpointState | undefined {
    for (const group of groups) {
      const picked = group === except ? undefined : group.pick(choice)
      if (picked) return picked
    }
    return undefined
  }

  private draw(): Group | undefined {
    if (this.drawn.length < 2) return this.drawn[0]
    let left = this.rules.clock.random()
    for (const group of this.drawn) {
      left -= group.share
      if (left < 0) return group
    }
    // The shares sum to 1 but for rounding.
    return this.drawn.at(-1)
  }

  private groupsOf(priority: number, pickable: readonly EndpointState[], share: number): readonly Group[] {
    const { zone: rules } = this.rules
    const zones = [...groupedBy(pickable, ({ zone = '' }) => zone)]
    const capacities = zones.map(([zone, all]) => ({ zone, count: all.length, weight: weightOf(all) }))
    const shares = rules && zoneShares(capacities, rules)
    if (!shares) return [this.shared(priority, undefined, share)]
    return capacities
      .map(({ zone }, at) => this.shared(priority, zone, share * (shares[at] as number)))
      .toSorted((a, b) => b.share - a.share)
  }

  private shared(priority: number, zone: string | undefined, share: number): Group {
    const group = this.group(priority, zone)
    group.share = share
    return group
  }

  private group(priority: number, zone: string | undefined): Group {
    const key = keyOf(priority, zone)
    const known = this.groups.get(key)
    if (known) return known
    const group = new Group(priority, zone, this.rules.rankings.make())
    this.groups.set(key, group)
    return group
  }

  private dropGroups(members: readonly EndpointState[]): void {
    for (const [key, group] of this.groups)
      if (this.groups.size > 1 && !members.some((member) => group.concerns(member))) this.groups.delete(key)
  }
}

const keyOf = (priority: number, zone: string | undefined) => (zone === undefined ? `${priority}` : `${priority} ${zone}`)

const hasShare = ({ groups }: Tier): boolean => groups.some(({ share }) => share > 0)

const weightOf = (all: readonly EndpointState[]): number => all.reduce((sum, { weight }) => sum + weight, 0)
