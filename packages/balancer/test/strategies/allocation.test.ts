import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Endpoint, StrategyFactory } from '@gatelet/core'
import { seededRandom } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { among, fakes } from '../fakes.ts'
import { everyStrategy } from './all.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

// So few that the engine does not collect on its own within a round.
const PICKS = 5_000

const hashKey = 'session-3f2504e0-4f89-11d3-9a0c-0305e82c3301'

// Numbers that are objects already, as in any list that holds other things too: handing one out makes none, whether or not the
// engine puts this function into the pick. So whatever is allocated is the strategy's doing.
const chances: readonly unknown[] = ['', ...Array.from({ length: 1_023 }, seededRandom(1))]
let at = 0
const chance = () => {
  at = at === 1_023 ? 1 : at + 1
  return chances[at] as number
}

interface Scene {
  weights: readonly number[]
  hashKey?: string
  /** How many requests are in flight at the endpoint of this place. */
  inflight?: (at: number) => number
}

// The least of many rounds: until the engine has compiled the pick (which it does beside us, when it gets to it) numbers are
// objects, and now and then it allocates for itself.
function bytesPerPick(factory: StrategyFactory, { weights, hashKey, inflight = () => 0 }: Scene, rounds = 300): number {
  const strategy = factory({ now: () => 0, random: chance })
  const endpoints = fakes(...weights)
  for (const [at, endpoint] of endpoints.entries()) endpoint.inflight = inflight(at)
  strategy.update(endpoints)
  for (const endpoint of endpoints) strategy.report?.(endpoint, { kind: 'success', latencyMs: 5 + chance() })
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

// One fraction for each pick, out of a call that is never put into it.
const fractional: StrategyFactory = ({ random }) => {
  let endpoints: readonly Endpoint[] = []
  let last = 0
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick() {
      last += random()
      return endpoints[0]
    },
    explain: () => [{ id: '', score: last }],
  }
}

const even = new Array<number>(16).fill(1)
const uneven = even.map((_, at) => 1 + (at % 5))
const weightings = [
  ['equal', even],
  ['unequal', uneven],
] as const

test.each([
  ['a list', wasteful, 16],
  ['a fraction', fractional, 8],
])('the measure sees a strategy that allocates %s', (_what, factory, bytes) => {
  expect(bytesPerPick(factory, { weights: even }, 50)).toBeGreaterThan(bytes)
})

describe.each(everyStrategy)('%s allocates nothing for a pick', (_name, factory) => {
  const busy = (at: number) => 1 + (at % 3)
  // One has far more than its share: a bound sums up, and passes it over.
  const full = (at: number) => (at === 3 ? 1_000 : 1)

  describe.each(weightings)('with %s weights', (_kind, weights) => {
    test('when nobody is busy', () => expect(bytesPerPick(factory, { weights })).toBeLessThan(1))
    test('when all are busy', () => expect(bytesPerPick(factory, { weights, inflight: busy })).toBeLessThan(1))
    test('by a key', () => expect(bytesPerPick(factory, { weights, hashKey, inflight: busy })).toBeLessThan(1))
    test('by a key whose endpoint is full', () => {
      expect(bytesPerPick(factory, { weights, hashKey, inflight: full })).toBeLessThan(1)
    })
  })
})
