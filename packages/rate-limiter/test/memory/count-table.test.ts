import { seededRandom } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { CountTable } from '../../src/memory/count-table.ts'

const isPast = (states: Float64Array, at: number, now: number) => (states[at] as number) <= now

function table(maxKeys: number, size = 1) {
  const counts = new CountTable(size, maxKeys, isPast)
  const random = seededRandom(maxKeys)
  const any = () => Math.floor(random() * 2 ** 32) | 0
  return { counts, key: () => [any(), any()] as const }
}

/** Writes a state for a key, where there is room. */
function put(counts: CountTable, [low, high]: readonly [number, number], until: number, now = 0): boolean {
  const found = counts.find(low, high)
  const at = found >= 0 ? found : counts.place(low, high, now)
  if (at < 0) return false
  counts.states[at] = until
  return true
}

const stateOf = (counts: CountTable, [low, high]: readonly [number, number]) => {
  const at = counts.find(low, high)
  return at < 0 ? undefined : counts.states[at]
}

test('finds again what it was given, while it grows', () => {
  const { counts, key } = table(1_000_000)
  const keys = Array.from({ length: 50_000 }, key)
  for (const [at, each] of keys.entries()) expect(put(counts, each, at + 1)).toBe(true)
  for (const [at, each] of keys.entries()) expect(stateOf(counts, each)).toBe(at + 1)
})

test('is more than three quarters full before a key finds no place', () => {
  const { counts, key } = table(10_000)
  let placed = 0
  while (put(counts, key(), 1)) placed++
  expect(placed).toBeGreaterThan(7_500)
  expect(counts.bytes).toBeLessThanOrEqual(10_016 * 16)
})

test('never gives away the place of a state that says something', () => {
  const { counts, key } = table(1_000)
  const victim = key()
  put(counts, victim, 1_000)
  for (let flooded = 0; flooded < 100_000; flooded++) put(counts, key(), 500)
  expect(stateOf(counts, victim)).toBe(1_000)
})

test('gives the places of idle states to others, so that it does not grow without need', () => {
  const { counts, key } = table(1_000_000)
  for (let now = 0; now < 200_000; now++) put(counts, key(), now + 1_000, now)
  // A thousand are in use at any time.
  expect(counts.bytes).toBeLessThan(256 * 16 * 16 * 2)
})

test('keeps every number of a state when it grows', () => {
  const { counts, key } = table(100_000, 3)
  const keys = Array.from({ length: 5_000 }, key)
  keys.forEach((each, number) => {
    put(counts, each, number + 1)
    const at = counts.find(...each)
    counts.states[at + 1] = number * 2
    counts.states[at + 2] = number * 3
  })
  keys.forEach((each, number) => {
    const at = counts.find(...each)
    expect([...counts.states.subarray(at, at + 3)]).toEqual([number + 1, number * 2, number * 3])
  })
})
