import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Keeps copies of the endpoints, with the figures of the moment when it got them. */
export const picksCopies: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot.map(({ id, weight, inflight, metadata }) => ({ id, weight, inflight, metadata }))
    },
    pick: (context) => endpoints.find((endpoint) => context.accepts(endpoint)),
  }
}
