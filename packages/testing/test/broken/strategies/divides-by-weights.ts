import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Ranks by a quotient that is no number for idle endpoints of weight 0, and compares with it. */
export const dividesByWeights: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick(context) {
      let best = endpoints[0]
      for (const endpoint of endpoints) {
        if (!best || !context.accepts(endpoint)) continue
        if (!(endpoint.inflight / endpoint.weight > best.inflight / best.weight)) best = endpoint
      }
      return best && context.accepts(best) ? best : undefined
    },
  }
}
