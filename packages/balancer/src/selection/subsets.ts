import type { Ask, Context, Outcome } from '@gatelet/core'
import type { EndpointState } from '../endpoint.ts'
import type { Snapshot } from '../membership.ts'
import { Plan, type PlanRules } from './plan.ts'

/** What the metadata of an endpoint must say. */
export type Match = Readonly<Record<string, string | number | boolean>>

/** `SubsetOptions` with every default filled in. */
export interface SubsetRules {
  readonly match: (ctx: Context) => Match | undefined
  readonly fallback: 'any' | 'none'
  readonly max: number
}

/** A part of the endpoints, by their metadata, with strategies of its own. */
export interface Subset {
  readonly match: Match
  readonly plan: Plan
}

/**
 * The subsets that were asked for last. What an endpoint's figures are is its own affair; only what strategies know of a
 * subset is forgotten with it.
 */
export class Subsets {
  readonly rules: SubsetRules
  private readonly planRules: PlanRules
  // The order of a Map is that in which its keys were set: the first is the one that was used longest ago.
  private readonly kept = new Map<string, Subset & { madeOf: Snapshot }>()

  constructor(rules: SubsetRules, planRules: PlanRules) {
    this.rules = rules
    this.planRules = planRules
  }

  /** What an ask wants; undefined: any endpoint will do. */
  matchOf(ask: Ask): Match | undefined {
    return ask.context && this.rules.match(ask.context)
  }

  /** @returns undefined where no endpoint is like that, so that keys which a client makes up take no room */
  subset(match: Match, snapshot: Snapshot, isKept: boolean): Subset | undefined {
    const key = keyOf(match)
    const known = this.kept.get(key)
    if (!isKept) return known?.madeOf === snapshot ? known : this.made(match, snapshot, undefined)
    this.kept.delete(key)
    if (known?.madeOf === snapshot) {
      this.kept.set(key, known)
      return known
    }
    const subset = this.made(match, snapshot, known?.plan)
    if (subset) this.kept.set(key, subset)
    this.dropOldest()
    return subset
  }

  report(endpoint: EndpointState, outcome: Outcome): void {
    for (const { match, plan } of this.kept.values()) if (isMatch(endpoint, match)) plan.report(endpoint, outcome)
  }

  private made(match: Match, snapshot: Snapshot, known: Plan | undefined): (Subset & { madeOf: Snapshot }) | undefined {
    const members = snapshot.members.filter((member) => isMatch(member, match))
    if (members.length === 0) return undefined
    const plan = known ?? new Plan(this.planRules)
    plan.update({ members, rotation: snapshot.rotation })
    return { match, plan, madeOf: snapshot }
  }

  private dropOldest(): void {
    if (this.kept.size <= this.rules.max) return
    const [oldest] = this.kept.keys()
    this.kept.delete(oldest as string)
  }
}

/** Whether an endpoint's metadata says all that is asked for. */
export function isMatch({ metadata }: EndpointState, match: Match): boolean {
  for (const name of Object.keys(match)) if (!Object.hasOwn(metadata, name) || metadata[name] !== match[name]) return false
  return true
}

/** The same for matches that say the same. */
export function keyOf(match: Match): string {
  const names = Object.keys(match)
  return JSON.stringify(names.length < 2 ? match : names.toSorted().map((name) => [name, match[name]]))
}
