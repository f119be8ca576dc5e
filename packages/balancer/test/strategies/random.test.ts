import { random } from '@gatelet/balancer'
import { expect, test } from 'vitest'
import { among, counts, fakes, fiveSigma, made, picks } from '../fakes.ts'

const N = 100_000

test.each([[[1, 1, 1, 1]], [[1, 2, 3, 4]], [[1000, 1, 0.5]], [[0, 3, 0, 1]]])('draws %j in proportion', (weights) => {
  const endpoints = fakes(...weights)
  const found = counts(picks(made(random, endpoints), N))
  const sum = weights.reduce((a, b) => a + b)
  for (const { id, weight } of endpoints) {
    const share = weight / sum
    expect(Math.abs((found[id] ?? 0) - N * share)).toBeLessThanOrEqual(fiveSigma(N, share))
  }
})

test('draws in proportion among those that are acceptable', () => {
  const endpoints = fakes(5, 1, 3, 7)
  const found = counts(
    picks(
      made(random, endpoints),
      N,
      among(({ id }) => id === 'b' || id === 'c'),
    ),
  )
  expect(Object.keys(found).sort()).toEqual(['b', 'c'])
  expect(Math.abs((found['b'] ?? 0) - N / 4)).toBeLessThanOrEqual(fiveSigma(N, 1 / 4))
})
