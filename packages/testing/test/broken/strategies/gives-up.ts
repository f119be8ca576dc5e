import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Draws three times, and finds nobody where all three were refused. */
export const givesUp: StrategyFactory = ({ random }) => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick(context) {
      for (let draw = 0; draw < 3; draw++) {
        const drawn = endpoints[Math.floor(random() * endpoints.length)]
        if (drawn && context.accepts(drawn)) return drawn
      }
      return undefined
    },
  }
}
