import type { Endpoint, PickContext, StrategyFactory } from '@gatelet/core'
import { Draw } from './draw.ts'
import { weighted } from './weights.ts'

/** Draws in proportion to the weights: O(1), or O(log n) with unequal ones. Needs no figures, and evens out only over many requests. */
export const random: StrategyFactory = ({ random }) => {
  let endpoints: readonly Endpoint[] = []
  let draw = new Draw(endpoints, random)
  return {
    update(snapshot) {
      endpoints = weighted(snapshot)
      draw = new Draw(endpoints, random)
    },
    pick(context) {
      const drawn = endpoints[draw.one()]
      return !drawn || context.accepts(drawn) ? drawn : drawnAmongAccepted(endpoints, context, random())
    },
    explain: (context) =>
      endpoints
        .filter((endpoint) => context.accepts(endpoint))
        .map((endpoint) => ({ id: endpoint.id, score: 1 / endpoint.weight })),
  }
}

// Drawing again until one is accepted could take for ever; two walks are exact and bounded.
function drawnAmongAccepted(endpoints: readonly Endpoint[], context: PickContext, chance: number): Endpoint | undefined {
  let sum = 0
  for (const endpoint of endpoints) if (context.accepts(endpoint)) sum += endpoint.weight
  let left = chance * sum
  let last: Endpoint | undefined
  for (const endpoint of endpoints) {
    if (!context.accepts(endpoint)) continue
    last = endpoint
    left -= endpoint.weight
    if (left < 0) return endpoint
  }
  return last
}
