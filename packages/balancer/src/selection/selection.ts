import type { Ask, Clock, Outcome, StrategyFactory } from '@gatelet/core'
import { Choice, type KeyOf } from '../choice.ts'
import type { EndpointState } from '../endpoint.ts'
import type { Gate } from '../gate.ts'
import { lastResort } from '../last-resort.ts'
import type { Snapshot } from '../membership.ts'
import { Rankings } from '../ranking.ts'
import type { Aperture } from './aperture.ts'
import { Plan, type PlanRules } from './plan.ts'
import type { SlowStartRules } from './ramp.ts'
import { SlowStart } from './slow-start.ts'
import { isMatch, keyOf, type SubsetRules, Subsets } from './subsets.ts'
import type { TierRules } from './tier-loads.ts'
import type { ZoneRules } from './zone-shares.ts'

/** How the endpoints are narrowed down. */
export interface SelectionRules {
  readonly tiers: TierRules
  readonly zone: ZoneRules | undefined
  readonly aperture: Aperture | undefined
  readonly subset: SubsetRules | undefined
  readonly slowStart: SlowStartRules | undefined
}

/** What the selection lives by. */
export interface SelectionInit extends SelectionRules {
  readonly clock: Clock
  readonly strategy: StrategyFactory
  readonly hashKey: KeyOf | undefined
  readonly name: string | undefined
}

/** The stage that narrows the endpoints down to those that may be picked now, and has a strategy pick one of them. */
export class Selection {
  /** Whether the last pick found nobody only because somebody is at a limit. */
  isHeldBack = false
  /** On which ground the last pick was made. */
  why: 'strategy' | 'last-resort' | 'again' = 'strategy'
  readonly gates: readonly Gate[]
  /** Until the first list of endpoints is in place, all take up their whole weight at once. */
  isFirstList = true
  private readonly hashKey: KeyOf | undefined
  private readonly rankings: Rankings
  private readonly whole: Plan
  private readonly subsets: Subsets | undefined
  private readonly slowStart: SlowStart | undefined
  private snapshot: Snapshot = { members: [], rotation: new Set() }
  // One serves every pick, unless a strategy or a hash key asks this balancer again in the middle of one.
  private idle: Choice | undefined

  /** @param gates keep endpoints that are well from being picked for the moment */
  constructor(init: SelectionInit, gates: readonly Gate[]) {
    const { clock, strategy, name, slowStart, subset } = init
    this.gates = gates
    this.hashKey = init.hashKey
    this.rankings = new Rankings(strategy, clock, name)
    const rules: PlanRules = { clock, rankings: this.rankings, tiers: init.tiers, zone: init.zone, aperture: init.aperture }
    this.whole = new Plan(rules)
    this.subsets = subset && new Subsets(subset, rules)
    this.slowStart = slowStart && new SlowStart(clock, slowStart)
  }

  /** Takes over a new snapshot, before anybody can be picked from it. */
  update(snapshot: Snapshot): void {
    this.slowStart?.update(snapshot, this.isFirstList)
    this.become(snapshot)
    this.rankings.hasStarted = true
  }

  /** @returns undefined where nobody may be picked */
  pick(ask: Ask): EndpointState | undefined {
    this.refresh()
    const choice = (this.idle ?? new Choice(this.hashKey, this.gates)).begin(ask)
    this.idle = undefined
    const picked = this.found(ask, choice)
    this.isHeldBack = choice.isHeldBack && picked === undefined
    this.idle = choice.end()
    return picked
  }

  /** Takes the steps of slow starts whose time has come. */
  refresh(): void {
    // A new snapshot, so that subsets notice as well.
    if (this.slowStart?.step()) this.become({ ...this.snapshot })
  }

  /**
   * The plans by which an ask is served, in their order. None: what it wants is not there, and nothing else will do.
   * @param isKept whether a subset that is made for it is kept for others
   */
  plansFor(ask: Ask, isKept = true): readonly Plan[] {
    const { subsets, whole } = this
    const match = subsets?.matchOf(ask)
    if (!subsets || !match) return [whole]
    const subset = subsets.subset(match, this.snapshot, isKept)
    if (!subset) return subsets.rules.fallback === 'any' ? [whole] : []
    return subsets.rules.fallback === 'any' ? [subset.plan, whole] : [subset.plan]
  }

  /** Every endpoint, whatever its health and weight. */
  get members(): readonly EndpointState[] {
    return this.snapshot.members
  }

  /** For who asks on an ask's behalf without picking. */
  choiceFor(ask: Ask): Choice {
    return new Choice(this.hashKey, this.gates).begin(ask)
  }

  /** A name for the subset that an ask wants; undefined where any endpoint will do. */
  subsetOf(ask: Ask): string | undefined {
    const match = this.subsets?.matchOf(ask)
    return match && keyOf(match)
  }

  /** Whether the metadata of an endpoint is what an ask wants. */
  isWanted(endpoint: EndpointState, ask: Ask): boolean {
    const match = this.subsets?.matchOf(ask)
    return match === undefined || isMatch(endpoint, match)
  }

  /** Whether an endpoint may be picked as far as health goes; where a priority panics, that is everybody in it. */
  offers(endpoint: EndpointState): boolean {
    return this.snapshot.rotation.has(endpoint) || this.whole.offers(endpoint)
  }

  report(endpoint: EndpointState, outcome: Outcome): void {
    this.whole.report(endpoint, outcome)
    this.subsets?.report(endpoint, outcome)
  }

  private become(snapshot: Snapshot): void {
    this.snapshot = snapshot
    this.whole.update(snapshot)
  }

  private found(ask: Ask, choice: Choice): EndpointState | undefined {
    this.why = 'strategy'
    if (!this.subsets) return this.foundIn(this.whole, undefined, ask, choice)
    const [plan, wider] = this.plansFor(ask)
    return plan && this.foundIn(plan, wider, ask, choice)
  }

  private foundIn(plan: Plan, wider: Plan | undefined, ask: Ask, choice: Choice): EndpointState | undefined {
    const untried = plan.pick(choice) ?? (choice.isHeldBack ? undefined : wider?.pick(choice))
    if (untried || ask.tried.length === 0 || choice.isHeldBack) return untried
    this.why = 'last-resort'
    const doubtful = lastResort((wider ?? plan).members, ask.tried, this.gates)
    if (doubtful) return doubtful
    this.why = 'again'
    choice.again()
    return plan.pick(choice) ?? wider?.pick(choice)
  }
}
