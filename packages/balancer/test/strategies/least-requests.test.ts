import { leastRequests } from '@gatelet/balancer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { among, counts, fakes, made, picks } from '../fakes.ts'

const state = fc.record({
  weight: fc.integer({ min: 1, max: 9 }),
  inflight: fc.integer({ min: 0, max: 9 }),
  isAcceptable: fc.boolean(),
})

test('picks the fewest requests for the weight, of those that are acceptable', () => {
  fc.assert(
    fc.property(fc.array(state, { minLength: 1, maxLength: 10 }), fc.nat(20), (states, before) => {
      const endpoints = fakes(...states.map(({ weight }) => weight))
      for (const [at, endpoint] of endpoints.entries()) endpoint.inflight = states[at]?.inflight ?? 0
      const acceptable = endpoints.filter((_, at) => states[at]?.isAcceptable)
      const strategy = made(leastRequests, endpoints)
      picks(strategy, before)
      const picked = strategy.pick(among((endpoint) => acceptable.some((other) => other === endpoint)))
      const load = (endpoint: { inflight: number; weight: number }) => (endpoint.inflight + 1) / endpoint.weight
      expect(picked ? load(picked) : undefined).toBe(acceptable.length ? Math.min(...acceptable.map(load)) : undefined)
    }),
    { seed: 3, numRuns: 500 },
  )
})

test('gives idle equals their turns', () => {
  expect(picks(made(leastRequests, fakes(1, 1, 1)), 6).join('')).toBe('abcabc')
})

test('gives the equals among the unequal their turns too', () => {
  const endpoints = fakes(1, 1, 1, 1)
  Object.assign(endpoints[1] as object, { inflight: 3 })
  expect(counts(picks(made(leastRequests, endpoints), 300))).toEqual({ a: 100, c: 100, d: 100 })
})
