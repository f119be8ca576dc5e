import { memoryRateStore, type RateRule } from '@gatelet/rate-limiter'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { handClock } from './hand-clock.ts'

const windowMs = 60_000
const limit = fc.integer({ min: 1, max: 20 })

const rules: Readonly<Record<string, (limit: number, burst: number) => RateRule>> = {
  gcra: (limit, burst) => ({ algorithm: 'gcra', name: 'a', limit, windowMs, burst }),
  fixed: (limit) => ({ algorithm: 'fixed', name: 'a', limit, windowMs }),
  sliding: (limit) => ({ algorithm: 'sliding', name: 'a', limit, windowMs }),
}

/** Requests at random times, of which some are given back a while later. */
const requests = fc.array(
  fc.record({
    pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20_000 })),
    cost: fc.integer({ min: 1, max: 5 }),
    refundedAfterMs: fc.option(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300_000 })), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 150 },
)

test.each(Object.entries(rules))('%s: what is given back never lets more pass than the rule does', (_, ruleOf) => {
  fc.assert(
    fc.property(limit, limit, requests, (limit, burst, asked) => {
      const clock = handClock()
      const store = memoryRateStore({ clock })
      const rule = ruleOf(limit, burst)
      const due: { at: number; give: () => void }[] = []
      const kept: { at: number; cost: number }[] = []
      for (const { pauseMs, cost, refundedAfterMs } of asked) {
        const now = clock.at + pauseMs
        for (const { at, give } of due.filter((each) => each.at <= now).toSorted((a, b) => a.at - b.at)) {
          clock.at = Math.max(clock.at, at)
          give()
        }
        due.splice(0, due.length, ...due.filter((each) => each.at > now))
        clock.at = now
        const request = { rule, key: 'k', cost }
        const [verdict] = store.take([request])
        if (!verdict?.allowed) continue
        if (refundedAfterMs === undefined) kept.push({ at: now, cost })
        else due.push({ at: now + refundedAfterMs, give: () => store.give([{ ...request, stamp: verdict.stamp }]) })
      }
      const most = rule.algorithm === 'gcra' ? limit + burst : 2 * limit
      for (const { at: from } of kept) {
        const sum = kept.filter(({ at }) => at >= from && at < from + windowMs).reduce((total, { cost }) => total + cost, 0)
        expect(sum).toBeLessThanOrEqual(most)
      }
    }),
    { seed: 11, numRuns: 300 },
  )
})

test.each(Object.entries(rules))('%s: what is given back at once is as if it had never been taken', (_, ruleOf) => {
  fc.assert(
    fc.property(limit, limit, requests, (limit, burst, asked) => {
      const clock = handClock()
      const [store, other] = [memoryRateStore({ clock }), memoryRateStore({ clock })]
      const rule = ruleOf(limit, burst)
      for (const { pauseMs, cost, refundedAfterMs } of asked) {
        clock.at += pauseMs
        const request = { rule, key: 'k', cost }
        if (refundedAfterMs === undefined) {
          expect(store.take([request])[0]?.allowed).toBe(other.take([request])[0]?.allowed)
          continue
        }
        const [verdict] = store.take([request])
        if (verdict?.allowed) store.give([{ ...request, stamp: verdict.stamp }])
      }
    }),
    { seed: 12, numRuns: 300 },
  )
})
