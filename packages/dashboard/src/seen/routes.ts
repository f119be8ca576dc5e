import type { Clock, Summary } from '@gatelet/core'
import type { RouteView } from '../api/views.ts'
import { BoundedMap } from '../figures/bounded.ts'
import { Recent } from '../figures/recent.ts'
import { hasFailed, latencyOf } from './traffic.ts'

const SLOTS = 6
const SLOT_MS = 10_000

interface Seen {
  readonly recent: Recent
  hits: number
  readonly byStatus: Record<string, number>
}

/** Requests by the pattern of the route that took them. */
export class Routes {
  private readonly clock: Clock
  private readonly routes: BoundedMap<Seen>

  constructor(clock: Clock, max: number) {
    this.clock = clock
    const recent = () => new Recent(SLOTS, SLOT_MS, clock.now())
    this.routes = new BoundedMap<Seen>(max, () => ({ recent: recent(), hits: 0, byStatus: {} }))
  }

  finished(route: string | undefined, summary: Summary): void {
    const seen = this.routes.at(route ?? '(no route)')
    seen.hits++
    const group = summary.outcome === 'aborted' ? 'aborted' : `${Math.floor(summary.status / 100)}xx`
    seen.byStatus[group] = (seen.byStatus[group] ?? 0) + 1
    seen.recent.add(this.clock.now(), latencyOf(summary), hasFailed(summary))
  }

  view(): readonly RouteView[] {
    const now = this.clock.now()
    return this.routes
      .list()
      .map(([route, { hits, byStatus, recent }]) => ({ route, hits, byStatus, ...recent.read(now) }))
      .sort((a, b) => b.hits - a.hits)
  }
}
