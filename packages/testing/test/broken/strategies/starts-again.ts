import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Takes turns, and begins with the first one again after each update. */
export const startsAgain: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  let turn = 0
  return {
    update(snapshot) {
      endpoints = snapshot
      turn = 0
    },
    pick(context) {
      for (let step = 0; step < endpoints.length; step++) {
        const endpoint = endpoints[turn++ % endpoints.length]
        if (endpoint && context.accepts(endpoint)) return endpoint
      }
      return undefined
    },
  }
}
