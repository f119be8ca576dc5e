import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Takes its chance from where no test can set it. */
export const ownChance: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick(context) {
      const start = Math.floor(Math.random() * endpoints.length)
      for (let step = 0; step < endpoints.length; step++) {
        const endpoint = endpoints[(start + step) % endpoints.length]
        if (endpoint && context.accepts(endpoint)) return endpoint
      }
      return undefined
    },
  }
}
