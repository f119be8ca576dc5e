import type { Choice, Rotation } from '../choice.ts'
import type { EndpointState } from '../endpoint.ts'
import type { Ranking } from '../ranking.ts'

/** Endpoints that one strategy ranks: those of a priority, or of one zone of it. */
export class Group {
  readonly priority: number
  /** Empty: those that name no zone. Undefined: whatever their zone. */
  readonly zone: string | undefined
  readonly ranking: Ranking
  rotation: Rotation = new Set()
  /** How much of all traffic it gets, 0 to 1. */
  share = 0

  constructor(priority: number, zone: string | undefined, ranking: Ranking) {
    this.priority = priority
    this.zone = zone
    this.ranking = ranking
  }

  /** Takes those of its priority that may be picked. */
  update(pickable: readonly EndpointState[]): void {
    this.rotation = new Set(pickable.filter((endpoint) => this.concerns(endpoint)))
    this.ranking.update(this.rotation)
  }

  /** Whether an endpoint is its business, though it may not be picked now. */
  concerns({ priority, zone = '' }: EndpointState): boolean {
    return priority === this.priority && (this.zone === undefined || zone === this.zone)
  }

  pick(choice: Choice): EndpointState | undefined {
    return this.rotation.size === 0 ? undefined : this.ranking.pick(choice.among(this.rotation))
  }
}
