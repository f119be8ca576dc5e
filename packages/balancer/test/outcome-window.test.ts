import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OutcomeWindow } from '../src/outcome-window.ts'

test('counts at least what came within nine tenths of the window, and nothing from before it', () => {
  const event = fc.record({ afterMs: fc.integer({ min: 0, max: 700 }), isFailure: fc.boolean() })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), fc.integer({ min: 0, max: 1_000_000 }), (events, start) => {
      const window = new OutcomeWindow()
      const seen: { at: number; isFailure: boolean }[] = []
      let now = start
      for (const { afterMs, isFailure } of events) {
        now += afterMs
        window.add(isFailure, now, 1_000)
        seen.push({ at: now, isFailure })
        const since = (ms: number, failed: boolean) =>
          seen.filter(({ at, isFailure }) => at > now - ms && isFailure === failed).length
        for (const [found, failed] of [
          [window.failures, true],
          [window.successes, false],
        ] as const) {
          expect(found).toBeGreaterThanOrEqual(since(900, failed))
          expect(found).toBeLessThanOrEqual(since(1_000, failed))
        }
      }
    }),
    { seed: 5, numRuns: 300 },
  )
})

test('is empty when the window has passed', () => {
  const window = new OutcomeWindow()
  window.add(true, 0, 1_000)
  window.advance(1_000, 1_000)
  expect([window.total, window.failureRate]).toEqual([0, 0])
})
