import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Endpoint, Strategy, StrategyFactory } from '@gatelet/core'
import { seededRandom } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { among, fakes } from '../fakes.ts'
import { bounded, everyStrategy, hashing } from './all.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

// So few that the engine does not collect on its own within a round.
const PICKS = 5_000

// A seeded generator keeps its state in a number that the engine allocates: here chance comes from a table.
const chances = Float64Array.from({ length: 1024 }, seededRandom(1))
let at = 0
const chance = () => chances[at++ & 1023] as number

function strategyOf(factory: StrategyFactory, weights: readonly number[]): Strategy {
  const strategy = factory({ now: () => 0, random: chance })
  strategy.update(fakes(...weights))
  return strategy
}

// The least of many rounds: until the engine has compiled the pick (which it does beside us, when it gets to it) numbers are
// objects, and now and then it allocates for itself.
function bytesPerPick(strategy: Strategy, rounds = 300, hashKey?: string): number {
  const context = { ...among(), hashKey }
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds && least >= 1; round++) {
    collectGarbage()
    const before = getHeapStatistics().used_heap_size
    for (let pick = 0; pick < PICKS; pick++) strategy.pick(context)
    least = Math.min(least, (getHeapStatistics().used_heap_size - before) / PICKS)
  }
  return least
}

const wasteful: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  let acceptable: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick(context) {
      acceptable = endpoints.filter((endpoint) => context.accepts(endpoint))
      return acceptable[0]
    },
  }
}

const peak = everyStrategy.find(([name]) => name === 'peakEwma')

const even = new Array<number>(16).fill(1)
const uneven = even.map((_, at) => 1 + (at % 5))

test('the measure sees a strategy that allocates', () => {
  expect(bytesPerPick(strategyOf(wasteful, even), 50)).toBeGreaterThan(16)
})

// Without a key, those that hash are two choices, and a bound changes nothing while nobody is busy.
describe.each(everyStrategy.slice(0, 6))('%s picks without allocating', (_name, factory) => {
  test('with equal weights', () => expect(bytesPerPick(strategyOf(factory, even))).toBeLessThan(1))
  // Two fractions from our table of chances, where the engine did not put it into a pick as long as that of peakEwma: they
  // are the environment's, not the strategy's.
  const allowed = factory === peak?.[1] ? 33 : 1
  test('with unequal weights', () => expect(bytesPerPick(strategyOf(factory, uneven))).toBeLessThan(allowed))
})

describe.each([...hashing, ...bounded])('%s picks by a key without allocating', (_name, factory) => {
  const hashKey = 'session-3f2504e0-4f89-11d3-9a0c-0305e82c3301'
  test('with equal weights', () => expect(bytesPerPick(strategyOf(factory, even), 300, hashKey)).toBeLessThan(1))
  test('with unequal weights', () => expect(bytesPerPick(strategyOf(factory, uneven), 300, hashKey)).toBeLessThan(1))
})
