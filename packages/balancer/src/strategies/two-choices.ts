import type { Endpoint, PickContext, StrategyFactory } from '@gatelet/core'
import { Draw } from './draw.ts'
import { busyness, busyScores, leastBusyAt } from './least-busy.ts'
import { weighted } from './weights.ts'

/**
 * Draws two different endpoints and picks the less busy one, by (requests in flight + 1) / weight. Spreads nearly as well as
 * a look at all of them, in O(1) (O(log n) with unequal weights), and does not send a herd to the one that is idle
 * (Mitzenmacher, "The Power of Two Choices", 2001).
 *
 * The draws are in proportion to the weights: with even ones, no endpoint could get more than 2 of n requests, whatever its weight.
 */
export const twoChoices: StrategyFactory = ({ random }) => {
  let endpoints: readonly Endpoint[] = []
  let draw = new Draw(endpoints, random)
  return {
    update(snapshot) {
      endpoints = weighted(snapshot)
      draw = new Draw(endpoints, random)
    },
    pick(context) {
      const first = draw.one()
      const second = draw.another(first)
      const picked = lessBusy(accepted(endpoints[first], context), accepted(endpoints[second], context))
      // Both refused (tried already, or at their limit): look at all once, so that a pick is found when there is one.
      return picked ?? endpoints[leastBusyAt(endpoints, context, Math.max(0, first))]
    },
    explain: (context) => busyScores(endpoints, context),
  }
}

function accepted(endpoint: Endpoint | undefined, context: PickContext): Endpoint | undefined {
  return endpoint && context.accepts(endpoint) ? endpoint : undefined
}

function lessBusy(first: Endpoint | undefined, second: Endpoint | undefined): Endpoint | undefined {
  if (!first || !second) return first ?? second
  return busyness(second) < busyness(first) ? second : first
}
