import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Adds the new ones and never lets go of the old ones. */
export const keepsWhoLeft: StrategyFactory = () => {
  const endpoints: Endpoint[] = []
  return {
    update(snapshot) {
      for (const endpoint of snapshot) if (!endpoints.includes(endpoint)) endpoints.push(endpoint)
    },
    pick: (context) => endpoints.find((endpoint) => context.accepts(endpoint)),
  }
}
