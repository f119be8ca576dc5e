import { firstAvailable, leastRequests, roundRobin } from '@gatelet/balancer'
import { GatewayError } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { among, fakes, made, picks } from '../fakes.ts'
import { everyStrategy, hashing } from './all.ts'

// One round: which endpoints there are, which of them are acceptable, how busy they are.
const member = fc.record({
  weight: fc.oneof(fc.constantFrom(0, 1, 2, 0.5, 1e6, Number.MIN_VALUE), fc.integer({ min: 1, max: 100 })),
  isThere: fc.boolean(),
  isAcceptable: fc.boolean(),
  inflight: fc.integer({ min: 0, max: 50 }),
})
const rounds = fc.array(fc.array(member, { minLength: 12, maxLength: 12 }), { minLength: 1, maxLength: 15 })
const all = fakes(...new Array<number>(12).fill(1))

describe.each(everyStrategy)('%s', (_name, factory) => {
  test('picks an acceptable endpoint of the last snapshot whenever there is one, and never weight 0', () => {
    fc.assert(
      fc.property(rounds, fc.integer(), (rounds, seed) => {
        const strategy = made(factory, [], seed)
        for (const round of rounds) {
          for (const [at, endpoint] of all.entries())
            Object.assign(endpoint, { weight: round[at]?.weight, inflight: round[at]?.inflight })
          const snapshot = all.filter((_, at) => round[at]?.isThere)
          const acceptable = new Set(all.filter((_, at) => round[at]?.isAcceptable))
          const possible = snapshot.filter((endpoint) => acceptable.has(endpoint) && endpoint.weight > 0)
          strategy.update(snapshot)
          for (let pick = 0; pick < 5; pick++) {
            const hashKey = pick % 2 === 0 ? undefined : `key ${pick}`
            const picked = strategy.pick({ ...among((endpoint) => acceptable.has(endpoint as (typeof all)[number])), hashKey })
            if (possible.length === 0) expect(picked).toBeUndefined()
            else expect(possible).toContain(picked)
          }
        }
      }),
      { seed: 42, numRuns: 60 },
    )
  })

  test('finds the only acceptable one of a hundred', () => {
    const endpoints = fakes(...Array.from({ length: 100 }, (_, at) => 1 + (at % 3)))
    const strategy = made(factory, endpoints)
    for (const hashKey of [undefined, 'key'])
      for (const only of endpoints) expect(strategy.pick({ ...among((endpoint) => endpoint === only), hashKey })).toBe(only)
  })

  test('picks nothing of nothing', () => {
    expect(picks(made(factory, []), 2)).toEqual([undefined, undefined])
    expect(picks(made(factory, fakes(0, 0)), 2)).toEqual([undefined, undefined])
    expect(
      picks(
        made(factory, fakes(1, 1)),
        2,
        among(() => false),
      ),
    ).toEqual([undefined, undefined])
  })

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('refuses a snapshot with the weight %s', (weight) => {
    expect(() => made(factory, fakes(1, weight))).toThrow(GatewayError)
    expect(() => made(factory, fakes(1, weight))).toThrow(/endpoints\[1\]\.weight must be a number/)
  })

  test('picks the same with the same seed and the same calls', () => {
    const endpoints = fakes(3, 1, 2, 5)
    expect(picks(made(factory, endpoints, 7), 200)).toEqual(picks(made(factory, endpoints, 7), 200))
  })

  test('explains without changing what it picks, and leaves out what is not acceptable', () => {
    const endpoints = fakes(3, 1, 2, 5)
    const asked = made(factory, endpoints, 7)
    const alone = made(factory, endpoints, 7)
    const context = among(({ id }) => id !== 'b')
    for (let pick = 0; pick < 20; pick++) {
      const scores = asked.explain?.(context) ?? []
      expect(scores.map(({ id }) => id)).toEqual(['a', 'c', 'd'])
      expect(scores.every(({ score }) => Number.isFinite(score))).toBe(true)
      expect(asked.pick(context)).toBe(alone.pick(context))
    }
  })
})

test.each([
  ['leastRequests', leastRequests],
  ['roundRobin', roundRobin],
  ['firstAvailable', firstAvailable],
  ...hashing,
] as const)('%s picks one of those that it explains as best', (_name, factory) => {
  const endpoints = fakes(3, 1, 2, 5)
  const strategy = made(factory, endpoints)
  for (let pick = 0; pick < 50; pick++) {
    const context = { ...among(({ id }) => pick % 3 > 0 || id !== 'b'), hashKey: `key ${pick}` }
    const scores = strategy.explain?.(context) ?? []
    const best = Math.min(...scores.map(({ score }) => score))
    const picked = strategy.pick(context)
    expect(scores.find(({ id }) => id === picked?.id)?.score).toBe(best)
    for (const endpoint of endpoints) endpoint.inflight = (pick * 7 + endpoint.weight) % 5
  }
})
