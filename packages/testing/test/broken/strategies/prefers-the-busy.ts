import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Says that it looks at load, and compares the wrong way round. */
export const prefersTheBusy: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick(context) {
      let best: Endpoint | undefined
      for (const endpoint of endpoints) {
        if (context.accepts(endpoint) && (!best || endpoint.inflight > best.inflight)) best = endpoint
      }
      return best
    },
  }
}
