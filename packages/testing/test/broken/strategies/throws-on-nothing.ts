import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Forgets that there may be nobody. */
export const throwsOnNothing: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick(context) {
      if (endpoints.length === 0) throw new Error('no endpoints')
      return endpoints.find((endpoint) => context.accepts(endpoint))
    },
  }
}
