import type { Endpoint, StrategyFactory } from '@gatelet/core'
import { weighted } from './weights.ts'

/**
 * Takes turns in proportion to the weights, spread out: 5, 1, 1 gives a a b a c a a. nginx's smooth weighted round robin:
 * at each pick every candidate's credit grows by its weight, the greatest credit wins and pays the sum. O(n).
 */
export const roundRobin: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  let credits = new Float64Array(0)
  let sumOfWeights = 0
  return {
    update(snapshot) {
      const before = new Map(endpoints.map((endpoint, at) => [endpoint, credits[at] as number]))
      endpoints = weighted(snapshot)
      const sum = sumOf(endpoints)
      credits = keptCredits(endpoints, before, sumOfWeights === 0 ? 1 : sum / sumOfWeights)
      sumOfWeights = sum
    },
    pick(context) {
      let winner = -1
      let sum = 0
      for (let at = 0; at < endpoints.length; at++) {
        const endpoint = endpoints[at] as Endpoint
        if (!context.accepts(endpoint)) continue
        sum += endpoint.weight
        const credit = (credits[at] as number) + endpoint.weight
        credits[at] = credit
        if (winner < 0 || credit > (credits[winner] as number)) winner = at
      }
      if (winner < 0) return undefined
      credits[winner] = (credits[winner] as number) - sum
      return endpoints[winner]
    },
    explain: (context) =>
      endpoints.flatMap((endpoint, at) =>
        context.accepts(endpoint) ? [{ id: endpoint.id, score: -((credits[at] as number) + endpoint.weight) }] : [],
      ),
  }
}

// Who stays keeps its place in the turn. Two corrections keep one change from starving anybody for long:
// The sum of all credits must be 0. One who leaves with a debt, as an endpoint does that fails when it is picked, would
// leave the others ahead for ever of those who join with nothing.
// Credits are worth what the sum of weights was. Of 1000, 1, 1 the last two may differ by 1000: when the first leaves, that
// would be a thousand picks in a row for one of them.
function keptCredits(
  endpoints: readonly Endpoint[],
  before: ReadonlyMap<Endpoint, number>,
  scale: number,
): Float64Array<ArrayBuffer> {
  const stayed = endpoints.filter((endpoint) => before.has(endpoint))
  const excess = stayed.reduce((sum, endpoint) => sum + (before.get(endpoint) as number), 0) / stayed.length
  return Float64Array.from(endpoints, (endpoint) => {
    const credit = before.get(endpoint)
    return credit === undefined ? 0 : (credit - excess) * scale
  })
}

const sumOf = (endpoints: readonly Endpoint[]): number => endpoints.reduce((sum, { weight }) => sum + weight, 0)
