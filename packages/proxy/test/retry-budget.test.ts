import { HeaderList } from '@gatelet/core'
import { seededRandom, virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs, retryAfterIn } from '../src/backoff.ts'
import { RetryBudget } from '../src/retry-budget.ts'
import { retrySettings } from '../src/retry-options.ts'

test('at each retry, those of the last ten seconds are at most a share of the requests, and some more', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('request', 'retry'), fc.integer({ min: 0, max: 900 })), {
    minLength: 1,
    maxLength: 400,
  })
  fc.assert(
    fc.property(steps, fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 3 }), (events, share, perSecond) => {
      const budget = new RetryBudget({ share, perSecond })
      const requests: number[] = []
      const retries: number[] = []
      let now = 5_000
      for (const [kind, passed] of events) {
        now += passed
        if (kind === 'request') {
          budget.asked(now)
          requests.push(now)
        } else if (budget.take(now)) {
          retries.push(now)
          const recent = (times: number[]) => times.filter((at) => at > now - 10_000).length
          expect(recent(retries)).toBeLessThanOrEqual(share * recent(requests) + perSecond * 10)
        }
      }
    }),
    { seed: 5, numRuns: 300 },
  )
})

test('a storm of failures adds a fifth of the requests, and the reserve', async () => {
  const clock = virtualClock()
  const random = seededRandom(7)
  const budget = new RetryBudget({ share: 0.2, perSecond: 3 })
  let attempts = 0
  for (let second = 0; second < 60; second++) {
    for (let i = 0; i < 200; i++) {
      budget.asked(clock.now())
      attempts++
      // Half of all attempts fail, and each failure would be tried again twice.
      for (let retry = 0; retry < 2 && random() < 0.5 && budget.take(clock.now()); retry++) attempts++
    }
    await clock.advance(1_000)
  }
  const requests = 60 * 200
  expect(attempts).toBeLessThanOrEqual(requests * 1.2 + 30 * 7)
  expect(attempts).toBeGreaterThan(requests * 1.15)
})

test('what was spent comes back when ten seconds, and the one that was going on, are over', () => {
  const budget = new RetryBudget({ share: 0, perSecond: 0.1 })
  expect(budget.take(1_500)).toBe(true)
  expect(budget.take(11_400)).toBe(false)
  expect(budget.take(11_999)).toBe(false)
  expect(budget.take(12_000)).toBe(true)
  expect(budget.take(1_000_000)).toBe(true)
})

test('the first retry comes at once, later ones after a random part of a time that doubles', () => {
  const settings = retrySettings()
  const longest = [1, 2, 3, 4, 5, 6, 10].map((retry) => backoffMs(retry, settings, () => 1))
  expect(longest).toEqual([0, 25, 50, 100, 200, 250, 250])
  expect(backoffMs(3, settings, () => 0)).toBe(0)
})

const date = 'Wed, 21 Oct 2026 07:28:00 GMT'

test.each([
  ['2', undefined, 2_000],
  ['0', undefined, 0],
  ['1.5', undefined, undefined],
  ['-1', undefined, undefined],
  ['99999999999999', undefined, undefined],
  [undefined, date, undefined],
  ['Wed, 21 Oct 2026 07:28:30 GMT', date, 30_000],
  ['Thu, 22 Oct 2026 07:28:00 GMT', date, 86_400_000],
  [date, date, 0],
  ['Wed, 21 Oct 2026 07:27:59 GMT', date, 0],
  // Whose clock would it be?
  [date, undefined, undefined],
  [date, 'yesterday', undefined],
  ['Wed, 99 Oct 2026 07:28:30 GMT', date, undefined],
  ['Wed, 21 Oct 2026 07:28:30 +0200', date, undefined],
  // RFC 850 and asctime, which nobody may send any more.
  ['Wednesday, 21-Oct-26 07:28:30 GMT', date, undefined],
  ['Wed Oct 21 07:28:30 2026', date, undefined],
])('Retry-After: %s in an answer of %s is %s ms', (retryAfter, date, expected) => {
  const headers = new HeaderList()
  if (retryAfter !== undefined) headers.set('Retry-After', retryAfter)
  if (date !== undefined) headers.set('Date', date)
  expect(retryAfterIn(headers)).toBe(expected)
})
