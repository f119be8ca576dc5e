import { firstAvailable } from '@gatelet/balancer'
import { expect, test } from 'vitest'
import { among, fakes, made, picks } from '../fakes.ts'

test('picks the first of the list, the next where that one may not be picked, and the first again when it may', () => {
  const strategy = made(firstAvailable, fakes(0, 1, 5, 9))
  expect(picks(strategy, 3).join('')).toBe('bbb')
  expect(
    picks(
      strategy,
      2,
      among(({ id }) => id !== 'b'),
    ).join(''),
  ).toBe('cc')
  expect(picks(strategy, 1).join('')).toBe('b')
})
