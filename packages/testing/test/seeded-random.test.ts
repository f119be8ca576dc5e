import { seededRandom } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const take = (seed: number, count: number) => {
  const random = seededRandom(seed)
  return Array.from({ length: count }, random)
}

test('is mulberry32: the published numbers come out', () => {
  expect(take(1, 3)).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522])
})

test('gives the same numbers for the same seed and others for another', () => {
  expect(take(7, 100)).toEqual(take(7, 100))
  expect(take(7, 100)).not.toEqual(take(8, 100))
})

test('stays within [0, 1) for every seed', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (seed) => take(seed, 50).every((number) => number >= 0 && number < 1)),
    { seed: 1 },
  )
})

test('spreads evenly over ten parts', () => {
  const counts = new Array<number>(10).fill(0)
  for (const number of take(3, 100_000)) counts[Math.floor(number * 10)]! += 1
  // Five standard deviations of a fair draw (95 each).
  expect(counts.every((count) => Math.abs(count - 10_000) < 475)).toBe(true)
})
