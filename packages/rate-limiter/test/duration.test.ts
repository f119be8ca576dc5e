import { rateLimit } from '@gatelet/rate-limiter'
import { virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { asker } from './fakes.ts'

test.each([
  ['250ms', 250, '250ms'],
  ['10s', 10_000, '10s'],
  ['1m', 60_000, '1m'],
  ['90m', 5_400_000, '90m'],
  ['1h', 3_600_000, '1h'],
  ['36h', 129_600_000, '36h'],
  ['7d', 604_800_000, '7d'],
  [1_500, 1_500, '1500ms'],
  [60_000, 60_000, '1m'],
] as const)('%s is %d ms, and a policy without a name is called after it', async (per, ms, text) => {
  const clock = virtualClock()
  const ask = asker(rateLimit({ limit: 1, per, algorithm: 'fixed', clock }), clock)
  const { headers } = await ask()
  expect(headers.get('ratelimit')).toBe(`"1-per-${text}";r=0;t=${Math.ceil(ms / 1_000)}`)
  await clock.advance(ms - 1)
  expect((await ask()).status).toBe(429)
  await clock.advance(1)
  expect((await ask()).status).toBe(200)
})

test.each([
  '',
  '10',
  's',
  '1.5s',
  '-1s',
  '1 s',
  '1S',
  '1w',
  '367d',
  '0s',
  0,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  {},
  null,
])('%s is no duration', (per) => {
  expect(() => rateLimit({ limit: 1, per: per as never })).toThrow(/per must be/)
})
