import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Makes a list of who may be picked, for every request. */
export const allocates: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  let acceptable: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick(context) {
      acceptable = endpoints.filter((endpoint) => context.accepts(endpoint))
      return acceptable[0]
    },
  }
}
