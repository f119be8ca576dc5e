import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HeavyHitters } from '../../src/usage/heavy-hitters.ts'
import type { UsedRequest } from '../../src/usage/tally.ts'

const requestOf = (consumer: string, bytes = 0, status = 200): UsedRequest => ({
  consumer,
  route: null,
  status,
  outcome: 'finished',
  receivedBytes: bytes,
  sentBytes: 2 * bytes,
  durationMs: 1,
})

// Few of them come often, many come once.
const keys = fc.array(fc.oneof({ weight: 3, arbitrary: fc.nat(4) }, { weight: 2, arbitrary: fc.nat(500) }), { maxLength: 600 })

test('watched keys and all others sum to all requests, and no key is told of wrongly by more than its bound', () => {
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 20 }), (sequence, capacity) => {
      const table = new HeavyHitters(capacity)
      const real = new Map<string, number>()
      for (const each of sequence) {
        table.count(`k${each}`, requestOf(`k${each}`, each))
        real.set(`k${each}`, (real.get(`k${each}`) ?? 0) + 1)
      }
      const watched = [...table.watched()]
      const bytes = sequence.reduce((sum, each) => sum + each, 0)
      const sumOf = (field: 'requests' | 'receivedBytes' | 'sentBytes') =>
        watched.reduce((sum, { tally }) => sum + tally[field], table.other[field])
      expect([sumOf('requests'), sumOf('receivedBytes'), sumOf('sentBytes')]).toEqual([sequence.length, bytes, 2 * bytes])
      expect(watched.length).toBe(Math.min(capacity, real.size))
      const bound = sequence.length / capacity
      expect(table.unwatchedAtMost).toBeLessThanOrEqual(bound)
      for (const { key, tally, missedAtMost } of watched) {
        const made = real.get(key ?? '') ?? 0
        expect(tally.requests).toBeLessThanOrEqual(made)
        expect(tally.requests + missedAtMost).toBeGreaterThanOrEqual(made)
        expect(missedAtMost).toBeLessThanOrEqual(bound)
        real.delete(key ?? '')
      }
      for (const made of real.values()) expect(made).toBeLessThanOrEqual(table.unwatchedAtMost)
    }),
    { seed: 12, numRuns: 300 },
  )
})

test('figures are exact while there is room for every key', () => {
  const table = new HeavyHitters(3)
  for (const key of ['a', 'b', 'a', 'c', 'a']) table.count(key, requestOf(key, 10, key === 'b' ? 503 : 404))
  expect([...table.watched()].map(({ key, tally, missedAtMost }) => [key, tally.requests, tally.errors, missedAtMost])).toEqual([
    ['a', 3, 0, 0],
    ['b', 1, 1, 0],
    ['c', 1, 0, 0],
  ])
  expect(table.other.requests).toBe(0)
})
