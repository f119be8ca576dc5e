import { boundedLoad, rendezvous } from '@gatelet/balancer'
import { seededRandom } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FakeEndpoint, fakes, made } from '../fakes.ts'
import { hashing } from './all.ts'

const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 })

describe.each(hashing)('a bound around %s', (_name, factory) => {
  test('is kept strictly after every pick, however skewed the keys are', () => {
    fc.assert(
      fc.property(weights, fc.integer(), fc.constantFrom(1.01, 1.25, 2), (weights, seed, factor) => {
        const endpoints = fakes(...weights)
        const strategy = made(boundedLoad(factory, { factor }), endpoints)
        const chance = seededRandom(seed)
        const sum = weights.reduce((a, b) => a + b)
        let inflight = 0
        for (let pick = 0; pick < 300; pick++) {
          // Half of all requests have one key.
          const hashKey = chance() < 0.5 ? 'hot' : `key ${Math.floor(chance() * 50)}`
          const picked = strategy.pick({ hashKey, attempt: 0, accepts: () => true }) as FakeEndpoint
          picked.inflight++
          inflight++
          expect(picked.inflight).toBeLessThanOrEqual(Math.ceil(factor * inflight * (picked.weight / sum) - 1e-9))
          const done = endpoints[Math.floor(chance() * endpoints.length)]
          if (done && done.inflight > 0 && chance() < 0.8) {
            done.inflight--
            inflight--
          }
        }
      }),
      { seed: 17, numRuns: 40 },
    )
  })

  test('keeps keys at home while nobody is full, and sends what goes over to the next in the order of the key', () => {
    const endpoints = fakes(1, 1, 1, 1)
    const [plain, bounded] = [made(factory, endpoints), made(boundedLoad(factory), endpoints)]
    for (let at = 0; at < 50; at++) {
      const context = { hashKey: `key ${at}`, attempt: 0, accepts: () => true }
      const home = plain.pick(context) as FakeEndpoint
      expect(bounded.pick(context)).toBe(home)
      // With one request in flight nobody may have two.
      home.inflight = 1
      const next = plain.pick({ ...context, accepts: (endpoint) => endpoint !== home })
      expect(bounded.pick(context)).toBe(next)
      home.inflight = 0
    }
  })
})

test('picks the least busy where all that may be picked are full', () => {
  const endpoints = fakes(1, 1, 1) as [FakeEndpoint, FakeEndpoint, FakeEndpoint]
  const strategy = made(boundedLoad(rendezvous), endpoints)
  const [a, b] = endpoints
  a.inflight = 9
  b.inflight = 8
  expect(strategy.pick({ hashKey: 'x', attempt: 0, accepts: ({ id }) => id !== 'c' })).toBe(b)
})

test('explains those that are full as worse than all others', () => {
  const endpoints = fakes(1, 1, 1) as [FakeEndpoint, FakeEndpoint, FakeEndpoint]
  endpoints[1].inflight = 5
  const context = { hashKey: 'x', attempt: 0, accepts: () => true }
  const scores = made(boundedLoad(rendezvous), endpoints).explain?.(context) ?? []
  expect(scores.map(({ id }) => id)).toEqual(['a', 'c', 'b'])
  expect(scores[2]?.score).toBeGreaterThan(Math.max(scores[0]?.score ?? 0, scores[1]?.score ?? 0))
})

test.each<[string, () => unknown, RegExp]>([
  ['a factor of 1', () => boundedLoad(rendezvous, { factor: 1 }), /^boundedLoad: factor must be a number from 1\.0/],
  ['no strategy', () => boundedLoad('hash' as never), /^boundedLoad: strategy must be a strategy factory/],
])('refuses %s at the start', (_what, make, message) => expect(make).toThrow(message))
