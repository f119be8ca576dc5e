import type { Ask, Clock, Context, Outcome, StrategyFactory } from '@gatelet/core'
import { Choice } from '../choice.ts'
import type { EndpointState } from '../endpoint.ts'
import { lastResort } from '../last-resort.ts'
import type { Membership, Snapshot } from '../membership.ts'
import { Ranking } from '../ranking.ts'

/** What the selection lives by. */
export interface SelectionInit {
  readonly clock: Clock
  readonly strategy: StrategyFactory
  readonly hashKey: ((ctx: Context) => string | undefined) | undefined
  readonly name: string | undefined
}

/** The stage that narrows the endpoints down to those that may be picked now, and has the strategy pick one of them. */
export class Selection {
  private readonly hashKey: SelectionInit['hashKey']
  private readonly ranking: Ranking
  // One serves every pick, unless a strategy or a hash key asks this balancer again in the middle of one.
  private idle: Choice | undefined

  constructor({ strategy, clock, name, hashKey }: SelectionInit) {
    this.hashKey = hashKey
    this.ranking = new Ranking(strategy, clock, name)
  }

  /** Takes over a new snapshot, before anybody can be picked from it. */
  update({ rotation }: Snapshot): void {
    this.ranking.update(rotation)
  }

  /** @returns undefined where nobody may be picked */
  pick(membership: Membership, ask: Ask): EndpointState | undefined {
    return lastResort(membership, ask.tried) ?? this.ranked(membership, ask)
  }

  report(endpoint: EndpointState, outcome: Outcome): void {
    this.ranking.report(endpoint, outcome)
  }

  private ranked(membership: Membership, ask: Ask): EndpointState | undefined {
    const choice = this.idle ?? new Choice(this.hashKey)
    this.idle = undefined
    const picked = this.ranking.pick(choice.begin(membership.rotation, ask))
    this.idle = choice.end()
    return picked
  }
}
