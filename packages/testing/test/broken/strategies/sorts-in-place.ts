import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Sorts the list that it was lent. */
export const sortsInPlace: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = (snapshot as Endpoint[]).sort((a, b) => b.weight - a.weight)
    },
    pick: (context) => endpoints.find((endpoint) => context.accepts(endpoint)),
  }
}
