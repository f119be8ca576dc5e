import type { Ask, ExclusionReason, Explanation } from '@gatelet/core'
import type { Choice } from './choice.ts'
import type { EndpointState } from './endpoint.ts'
import { reasonAt } from './gate.ts'
import { lastResort } from './last-resort.ts'
import type { Group } from './selection/group.ts'
import type { Plan } from './selection/plan.ts'
import type { Selection } from './selection/selection.ts'

type Candidates = Explanation['candidates']

/** One that was picked and on which ground, or that nobody was. */
export interface Verdict {
  readonly endpoint: EndpointState | undefined
  readonly why: Explanation['why']
}

/**
 * What a pick for one ask would look at, seen before it is made: strategies change by a pick. Looking changes nothing.
 * Takes as long as there are endpoints, O(n) or what the strategy's own `explain` costs.
 */
export class Look {
  private readonly selection: Selection
  private readonly ask: Ask
  private readonly plans: readonly Plan[]
  private readonly choice: Choice
  private readonly candidates = new Map<Group, Candidates>()

  constructor(selection: Selection, ask: Ask) {
    this.selection = selection
    this.ask = ask
    this.plans = selection.plansFor(ask, false)
    this.choice = selection.choiceFor(ask)
    for (const plan of this.plans)
      for (const { groups } of plan.tiers)
        for (const group of groups) this.candidates.set(group, candidatesOf(group, this.choice))
  }

  /** Whom the strategy would pick, of the priority and zone that get the most traffic. Chance may have it otherwise. */
  likely(): Verdict {
    for (const plan of this.plans) {
      let full: number | undefined
      for (const group of byShare(plan)) {
        // As in the pick: what is only at its limit is no reason for a priority that has no part of the traffic.
        if (full !== undefined && full !== group.priority && group.share === 0) return refused
        const best = this.candidates.get(group)?.[0]
        for (const endpoint of group.rotation) if (endpoint.id === best?.id) return { endpoint, why: 'strategy' }
        if ([...group.rotation].some((endpoint) => this.isAtLimit(endpoint))) full = group.priority
      }
    }
    if (this.ask.tried.length === 0) return refused
    const doubtful = lastResort(this.plans.at(-1)?.members ?? [], this.ask.tried, this.selection.gates)
    if (doubtful) return { endpoint: doubtful, why: 'last-resort' }
    const again = this.plans.flatMap(({ members }) => members).find((member) => this.selection.offers(member))
    return again ? { endpoint: again, why: 'again' } : refused
  }

  explanation({ endpoint, why }: Verdict): Explanation {
    const group = endpoint && this.groupOf(endpoint)
    const candidates = (group && this.candidates.get(group)) ?? []
    const isCandidate = new Set(candidates.map(({ id }) => id))
    return {
      chosen: endpoint?.id,
      why,
      candidates,
      excluded: this.selection.members
        .filter(({ id }) => !isCandidate.has(id) && id !== endpoint?.id)
        .map((member) => ({ id: member.id, reason: this.reason(member, group) })),
      groups: (this.plans[0]?.tiers ?? []).flatMap(({ groups, priority, isPanicking }) =>
        groups.map(({ zone, share }) => ({ priority, zone, share, isPanicking })),
      ),
    }
  }

  private isAtLimit(endpoint: EndpointState): boolean {
    return !this.ask.tried.includes(endpoint) && reasonAt(this.selection.gates, endpoint) === 'at-limit'
  }

  private groupOf(endpoint: EndpointState): Group | undefined {
    for (const group of this.candidates.keys()) if (group.rotation.has(endpoint)) return group
    return undefined
  }

  private reason(member: EndpointState, group: Group | undefined): ExclusionReason {
    const plan = this.plans.find(({ members }) => members.includes(member))
    if (!plan || (member.fullWeight > 0 && !plan.reaches(member))) return 'not-in-subset'
    if (member.state !== 'active' && !plan.offers(member)) return member.state
    if (this.ask.tried.includes(member)) return 'tried'
    const reason = reasonAt(this.selection.gates, member)
    if (reason) return reason
    if (group?.priority !== member.priority) return 'other-tier'
    // Of the same priority and zone, it can only be outside of the subset to which the pick was narrowed.
    return group.zone === undefined || group.zone === (member.zone ?? '') ? 'not-in-subset' : 'other-zone'
  }
}

const byShare = ({ tiers }: Plan): readonly Group[] => tiers.flatMap(({ groups }) => groups).toSorted((a, b) => b.share - a.share)

const refused: Verdict = Object.freeze({ endpoint: undefined, why: 'refused' })

function candidatesOf(group: Group, choice: Choice): Candidates {
  choice.among(group.rotation)
  const scores = new Map(group.ranking.explain(choice)?.map(({ id, score }) => [id, score]))
  return [...group.rotation]
    .filter((endpoint) => choice.accepts(endpoint))
    .map(({ id }) => {
      const score = scores.get(id)
      return score === undefined ? { id } : { id, score }
    })
    .toSorted((a, b) => (a.score ?? 0) - (b.score ?? 0))
}
