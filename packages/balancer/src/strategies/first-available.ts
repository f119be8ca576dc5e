import type { Endpoint, StrategyFactory } from '@gatelet/core'
import { weighted } from './weights.ts'

/**
 * Picks the first endpoint of the list that may be picked: one works, the others stand by, in their order. Of weights, only 0
 * counts. O(1) while the first is well.
 */
export const firstAvailable: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = weighted(snapshot)
    },
    pick(context) {
      for (let at = 0; at < endpoints.length; at++) {
        const endpoint = endpoints[at] as Endpoint
        if (context.accepts(endpoint)) return endpoint
      }
      return undefined
    },
    explain: (context) =>
      endpoints.flatMap((endpoint, at) => (context.accepts(endpoint) ? [{ id: endpoint.id, score: at }] : [])),
  }
}
