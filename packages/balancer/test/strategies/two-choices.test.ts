import { twoChoices } from '@gatelet/balancer'
import { seededRandom } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { among, counts, type FakeEndpoint, fakes, fill, fiveSigma, made, picks } from '../fakes.ts'

test('never picks the busiest one while it may pick another', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 10 }),
      fc.integer(),
      (loads, seed) => {
        const endpoints = fakes(...loads.map(() => 1))
        for (const [at, endpoint] of endpoints.entries()) endpoint.inflight = loads[at] as number
        const busiest = endpoints[loads.indexOf(Math.max(...loads))]?.id
        expect(picks(made(twoChoices, endpoints, seed), 50)).not.toContain(busiest)
      },
    ),
    { seed: 11, numRuns: 200 },
  )
})

test('always picks the less busy of two', () => {
  const [a, b] = fakes(1, 1) as [FakeEndpoint, FakeEndpoint]
  const strategy = made(twoChoices, [a, b])
  a.inflight = 1
  expect(new Set(picks(strategy, 100))).toEqual(new Set(['b']))
  b.inflight = 2
  expect(new Set(picks(strategy, 100))).toEqual(new Set(['a']))
})

test('counts a request for less where the weight is more', () => {
  const [a, b] = fakes(4, 1) as [FakeEndpoint, FakeEndpoint]
  const strategy = made(twoChoices, [a, b])
  a.inflight = 2
  expect(new Set(picks(strategy, 50))).toEqual(new Set(['a']))
  a.inflight = 5
  expect(new Set(picks(strategy, 50))).toEqual(new Set(['b']))
})

test.each([2, 3, 10])('spreads over %i idle equals evenly', (n) => {
  const found = counts(picks(made(twoChoices, fakes(...new Array<number>(n).fill(1))), 50_000))
  expect(Object.keys(found)).toHaveLength(n)
  for (const count of Object.values(found)) expect(Math.abs(count - 50_000 / n)).toBeLessThanOrEqual(fiveSigma(50_000, 1 / n))
})

test.each([
  { bins: 10, most: 3 },
  { bins: 100, most: 4 },
  { bins: 1000, most: 4 },
])('puts at most $most of $bins balls into one of $bins bins', ({ bins, most }) => {
  for (let seed = 1; seed <= 5; seed++) {
    const endpoints = fakes(...new Array<number>(bins).fill(1))
    const strategy = made(twoChoices, endpoints, seed)
    fill(strategy, bins)
    expect(Math.max(...endpoints.map(({ inflight }) => inflight))).toBeLessThanOrEqual(most)
    expect(endpoints.reduce((sum, { inflight }) => sum + inflight, 0)).toBe(bins)
  }
})

test('fills endpoints of very unequal weight in proportion', () => {
  // With even draws the heavy one would be looked at for 2 of 7 requests only, and be left with a third of the load.
  const endpoints = fakes(30, 1, 1, 1, 1, 1, 1)
  const strategy = made(twoChoices, endpoints)
  fill(strategy, 3600)
  const loads = endpoints.map(({ inflight, weight }) => inflight / weight)
  for (const load of loads) expect(Math.abs(load - 100)).toBeLessThan(10)
})

test('draws two different ones whatever the weights', () => {
  const weight = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(1e-9, 0.1, 1e6))
  fc.assert(
    fc.property(fc.array(weight, { minLength: 2, maxLength: 8 }), fc.integer(), (weights, seed) => {
      const endpoints = fakes(...weights)
      const strategy = made(twoChoices, endpoints, seed)
      const chance = seededRandom(seed)
      for (let pick = 0; pick < 20; pick++) {
        const asked: string[] = []
        const refused = endpoints[Math.floor(chance() * endpoints.length)]
        strategy.pick(among((endpoint) => asked.push(endpoint.id) > 0 && endpoint !== refused))
        expect(asked[0]).not.toBe(asked[1])
      }
    }),
    { seed: 5, numRuns: 300 },
  )
})

test('picks the one it may when the other draw is refused', () => {
  const strategy = made(twoChoices, fakes(1, 1))
  expect(
    new Set(
      picks(
        strategy,
        50,
        among(({ id }) => id === 'b'),
      ),
    ),
  ).toEqual(new Set(['b']))
})
