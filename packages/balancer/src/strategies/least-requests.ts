import type { Endpoint, StrategyFactory } from '@gatelet/core'
import { busyScores, leastBusyAt } from './least-busy.ts'
import { weighted } from './weights.ts'

/** Picks the least busy endpoint of all, by (requests in flight + 1) / weight. Equals take turns. Looks at each one: O(n). */
export const leastRequests: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  let start = 0
  return {
    update(snapshot) {
      endpoints = weighted(snapshot)
      if (start >= endpoints.length) start = 0
    },
    pick(context) {
      const at = leastBusyAt(endpoints, context, start)
      if (at < 0) return undefined
      start = at + 1 < endpoints.length ? at + 1 : 0
      return endpoints[at]
    },
    explain: (context) => busyScores(endpoints, context),
  }
}
