import { roundRobin } from '@gatelet/balancer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { among, counts, fakes, made, picks } from '../fakes.ts'

test('spreads the turns of 5, 1, 1 as nginx does', () => {
  const strategy = made(roundRobin, fakes(5, 1, 1))
  expect(picks(strategy, 14).join('')).toBe('aabacaaaabacaa')
})

test.each([
  [[1, 1, 1], 'abcabc'],
  [[2, 1], 'abaaba'],
  [[4, 2, 1], 'abacaba'],
])('takes turns of %j', (weights, turns) => {
  expect(picks(made(roundRobin, fakes(...weights)), turns.length).join('')).toBe(turns)
})

test('gives each endpoint exactly its weight in every cycle, and never strays by two picks within one', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 12 }), (weights) => {
      const endpoints = fakes(...weights)
      const strategy = made(roundRobin, endpoints)
      const sum = weights.reduce((a, b) => a + b)
      for (let cycle = 0; cycle < 2; cycle++) {
        const seen = new Map(endpoints.map((endpoint) => [endpoint.id, 0]))
        let furthest = 0
        for (let pick = 1; pick <= sum; pick++) {
          const id = strategy.pick(among())?.id ?? ''
          seen.set(id, (seen.get(id) ?? 0) + 1)
          for (const { id, weight } of endpoints) {
            furthest = Math.max(furthest, Math.abs((seen.get(id) ?? 0) - (pick * weight) / sum))
          }
        }
        expect(furthest).toBeLessThan(2)
        for (const { id, weight } of endpoints) expect(seen.get(id)).toBe(weight)
      }
    }),
    { seed: 9, numRuns: 150 },
  )
})

test('goes on with the turn when it is given the same endpoints again', () => {
  const endpoints = fakes(5, 1, 1)
  const strategy = made(roundRobin, endpoints)
  expect(picks(strategy, 3).join('')).toBe('aab')
  strategy.update([...endpoints])
  expect(picks(strategy, 4).join('')).toBe('acaa')
})

test('keeps the turn of those that stay when another joins or leaves', () => {
  const [a, b, c] = fakes(1, 1, 1) as [never, never, never]
  const strategy = made(roundRobin, [a, b])
  expect(picks(strategy, 1)).toEqual(['a'])
  strategy.update([a, b, c])
  // a has had its turn; b and c have not.
  expect(picks(strategy, 3).sort()).toEqual(['a', 'b', 'c'])
  expect(picks(made(roundRobin, [a, b, c]), 1)).toEqual(['a'])
})

test('lets nobody starve when the same endpoint leaves and comes back again and again', () => {
  const [a, b, c] = fakes(1, 1, 1) as [never, never, never]
  const strategy = made(roundRobin, [a, b, c])
  for (let time = 0; time < 500; time++) {
    // It leaves when it was picked last, as an endpoint that fails does.
    while (strategy.pick(among()) !== a);
    strategy.update([b, c])
    picks(strategy, 1)
    strategy.update([a, b, c])
  }
  expect(counts(picks(strategy, 12))).toEqual({ a: 4, b: 4, c: 4 })
})

test('does not let one run ahead when a heavy endpoint leaves', () => {
  const [a, b, c] = fakes(1000, 1, 1) as [never, never, never]
  const strategy = made(roundRobin, [a, b, c])
  picks(strategy, 600)
  strategy.update([b, c])
  const turns = picks(strategy, 8)
  expect(Math.abs((counts(turns)['b'] ?? 0) - 4)).toBeLessThan(2)
})

test('follows a changed weight within two cycles', () => {
  const endpoints = fakes(1000, 1000)
  const strategy = made(roundRobin, endpoints)
  picks(strategy, 1)
  for (const endpoint of endpoints) endpoint.weight = 1
  strategy.update([...endpoints])
  expect(counts(picks(strategy, 8))).toEqual({ a: 4, b: 4 })
})
