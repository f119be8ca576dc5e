import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Draws until somebody is accepted, which may be never. */
export const drawsForEver: StrategyFactory = ({ random }) => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick(context) {
      if (!endpoints.some((endpoint) => context.accepts(endpoint))) return undefined
      for (;;) {
        // Squared, so that the end of the list is hardly ever drawn.
        const drawn = endpoints[Math.floor(random() ** 40 * endpoints.length)]
        if (drawn && context.accepts(drawn)) return drawn
      }
    },
  }
}
