import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Its scores are no numbers before it has heard of anybody. */
export const explainsNoNumber: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  const told = { count: 0, sum: 0 }
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick: (context) => endpoints.find((endpoint) => context.accepts(endpoint)),
    report(_, { latencyMs }) {
      told.count++
      told.sum += latencyMs
    },
    explain: (context) =>
      endpoints.filter((endpoint) => context.accepts(endpoint)).map(({ id }) => ({ id, score: told.sum / told.count })),
  }
}
