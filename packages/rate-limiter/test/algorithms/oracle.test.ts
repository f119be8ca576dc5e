import { memoryRateStore, type RateRule } from '@gatelet/rate-limiter'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { handClock } from './hand-clock.ts'
import { oracleOf } from './oracles.ts'

// A request of cost 1 that comes this much before its time may pass: rounding never refuses.
const TOLERANCE = 0.001

const whole = (max: number) => fc.integer({ min: 1, max })
const windowMs = whole(120_000)
const rules: Readonly<Record<string, fc.Arbitrary<RateRule>>> = {
  gcra: fc.record({ algorithm: fc.constant('gcra'), name: fc.constant('a'), limit: whole(200), windowMs, burst: whole(50) }),
  fixed: fc.record({ algorithm: fc.constant('fixed'), name: fc.constant('a'), limit: whole(50), windowMs }),
  sliding: fc.record({ algorithm: fc.constant('sliding'), name: fc.constant('a'), limit: whole(50), windowMs }),
  calendar: fc.record({ algorithm: fc.constant('calendar'), name: fc.constant('a'), limit: whole(50), unit: fc.constant('day') }),
}

/** Requests at random: pauses in parts of the rule's window, costs that are often 1, at times 0 or fractions. */
const requests = fc.array(
  fc.record({
    pause: fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      fc.double({ min: 0, max: 0.2, noNaN: true }),
      fc.double({ min: 0, max: 3, noNaN: true }),
    ),
    cost: fc.oneof(
      { weight: 5, arbitrary: fc.constant(1) },
      fc.integer({ min: 0, max: 20 }),
      fc.double({ min: 0, max: 20, noNaN: true }),
    ),
    step: fc.constantFrom(0, 0, 0, 3_600_000, -3_600_000),
  }),
  { minLength: 1, maxLength: 120 },
)

const lengthOf = (rule: RateRule) => (rule.algorithm === 'calendar' ? 86_400_000 : 'windowMs' in rule ? rule.windowMs : 0)
const capacityOf = (rule: RateRule) => (rule.algorithm === 'gcra' ? rule.burst : rule.limit)

describe.each(Object.entries(rules))('%s', (name, anyRule) => {
  test('admits what a log of all requests would admit, and nothing else', () => {
    fc.assert(
      fc.property(anyRule, requests, (rule, asked) => {
        const clock = handClock()
        const store = memoryRateStore({ clock })
        const oracle = oracleOf(rule)
        const log: { at: number; cost: number }[] = []
        let now = 0
        for (const { pause, cost } of asked) {
          const ms = Math.round(pause * lengthOf(rule))
          now += ms
          clock.at = now
          const excess = oracle(log, now, cost)
          const [verdict] = store.take([{ rule, key: 'k', cost }])
          if (!verdict) throw new Error('no verdict')
          if (verdict.allowed) expect(excess).toBeLessThanOrEqual(TOLERANCE + 1e-6)
          else expect(excess).toBeGreaterThan(TOLERANCE - 1e-6)
          if (verdict.allowed) log.push({ at: now, cost })
          // What it says is left may be had, and no unit more.
          expect(oracle(log, now, verdict.remaining)).toBeLessThanOrEqual(
            verdict.remaining === 0 ? Number.POSITIVE_INFINITY : TOLERANCE + 1e-6,
          )
          if (verdict.remaining < capacityOf(rule))
            expect(oracle(log, now, verdict.remaining + 1)).toBeGreaterThan(TOLERANCE - 1e-6)
          // Whoever waits as long as it says passes, and nobody who waits less.
          if (verdict.allowed || verdict.retryAfterMs === Number.POSITIVE_INFINITY) continue
          const soon = Math.min(1, verdict.retryAfterMs / 2)
          expect(oracle(log, now + verdict.retryAfterMs + 1e-6, cost)).toBeLessThanOrEqual(TOLERANCE + 1e-4)
          expect(oracle(log, now + verdict.retryAfterMs - soon, cost)).toBeGreaterThan(-1e-6)
        }
      }),
      { seed: 7, numRuns: 150 },
    )
  })

  test('admits no more than it may in any time as long as its window', () => {
    fc.assert(
      fc.property(anyRule, requests, (rule, asked) => {
        const clock = handClock()
        const store = memoryRateStore({ clock })
        const log: { at: number; cost: number }[] = []
        let now = 0
        for (const { pause, cost } of [...asked, ...asked, ...asked]) {
          now += Math.round((pause * lengthOf(rule)) / 4)
          clock.at = now
          if (store.take([{ rule, key: 'k', cost }])[0]?.allowed) log.push({ at: now, cost })
        }
        // gcra: limit and burst. The others begin anew once within it at most.
        const most = rule.algorithm === 'gcra' ? rule.limit + rule.burst : 2 * capacityOf(rule)
        for (const { at: from } of log) {
          const sum = log
            .filter(({ at }) => at >= from && at < from + lengthOf(rule))
            .reduce((total, { cost }) => total + cost, 0)
          expect(sum).toBeLessThanOrEqual(most + 0.01)
        }
      }),
      { seed: 8, numRuns: 60 },
    )
  })

  test.skipIf(name === 'calendar')('decides the same when the wall clock is set an hour forward or back', () => {
    fc.assert(
      fc.property(anyRule, requests, (rule, asked) => {
        const clocks = [handClock(), handClock()] as const
        const [steady, stepped] = clocks.map((clock) => memoryRateStore({ clock }))
        let now = 0
        for (const { pause, cost, step } of asked) {
          now += Math.round(pause * lengthOf(rule))
          for (const clock of clocks) clock.at = now
          clocks[1].offset += step
          const [expected, found] = [steady, stepped].map((store) => store?.take([{ rule, key: 'k', cost }]))
          expect(found).toEqual(expected)
        }
      }),
      { seed: 9, numRuns: 60 },
    )
  })
})

test('a day of the calendar never comes twice, when the wall clock is set back over midnight', async () => {
  const clock = virtualClock({ date: Date.UTC(2026, 0, 1, 23, 59) })
  const store = memoryRateStore({ clock })
  const take = () => store.take([{ rule: { algorithm: 'calendar', name: 'a', limit: 2, unit: 'day' }, key: 'k', cost: 1 }])[0]
  expect([take()?.allowed, take()?.allowed, take()?.resetMs]).toEqual([true, true, 60_000])
  await clock.advance(60_000)
  expect([take()?.allowed, take()?.allowed, take()?.allowed]).toEqual([true, true, false])
  clock.setDate(Date.UTC(2026, 0, 1, 23, 30))
  expect(take()?.allowed).toBe(false)
  await clock.advance(1_800_000)
  expect(take()?.allowed).toBe(false)
  await clock.advance(86_400_000)
  expect(take()?.allowed).toBe(true)
})
