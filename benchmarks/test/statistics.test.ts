import { expect, test } from 'vitest'
import { quantile, shuffled } from '../statistics.ts'

test('finds the median and the quartiles, between two values where need be', () => {
  expect(quantile([9, 1, 5], 0.5)).toBe(5)
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
  expect(quantile([50, 10, 40, 20, 30], 0.25)).toBe(20)
  expect(quantile([7], 0.25)).toBe(7)
})

test('reads the least at 0 and the most at 1', () => {
  expect([quantile([3, 1, 2], 0), quantile([3, 1, 2], 1)]).toEqual([1, 3])
})

test('knows no quantile of nothing', () => {
  expect(quantile([], 0.5)).toBeNaN()
})

test('draws every value once, in an order that chance decides', () => {
  const values = ['a', 'b', 'c', 'd']
  expect(shuffled(values).toSorted()).toEqual(values)
  expect(shuffled(values, () => 0)).toEqual(['b', 'c', 'd', 'a'])
  expect(values).toEqual(['a', 'b', 'c', 'd'])
})
