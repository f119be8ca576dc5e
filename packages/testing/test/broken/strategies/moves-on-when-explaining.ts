import type { Endpoint, PickContext, StrategyFactory } from '@gatelet/core'

/** Explains by asking itself, which takes somebody's turn. */
export const movesOnWhenExplaining: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  let turn = 0
  const next = (context: PickContext) => {
    for (let step = 0; step < endpoints.length; step++) {
      const endpoint = endpoints[turn++ % endpoints.length]
      if (endpoint && context.accepts(endpoint)) return endpoint
    }
    return undefined
  }
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick: next,
    explain(context) {
      const first = next(context)
      return endpoints.filter((endpoint) => context.accepts(endpoint)).map(({ id }) => ({ id, score: id === first?.id ? 0 : 1 }))
    },
  }
}
