import { describeStrategy, type SimulateOptions, simulate } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { quickest } from './quickest.ts'

// What every strategy must do: it picks somebody whenever there is somebody, and a dozen things more.
describeStrategy('quickest', quickest, { describe, test })

// What this one is for, in virtual time: 400 seconds of traffic pass in a moment.
function shareOfFirst(faults: SimulateOptions['faults'] & {}): number {
  const { endpoints } = simulate({
    endpoints: 3,
    arrivals: { perSecond: 150, requests: 60_000 },
    serviceTimes: { meanMs: 10 },
    strategy: quickest,
    faults,
  })
  return endpoints[0]?.share ?? 0
}

test('keeps away from a server that is slow, and from one that fails at once', () => {
  expect(shareOfFirst([{ endpoint: 'e0', kind: 'slow', fromMs: 0, factor: 10 }])).toBeLessThan(0.05)
  expect(shareOfFirst([{ endpoint: 'e0', kind: 'error', fromMs: 0 }])).toBeLessThan(0.02)
})

test('takes a server back that works again', () => {
  expect(shareOfFirst([{ endpoint: 'e0', kind: 'error', fromMs: 0, toMs: 100_000 }])).toBeGreaterThan(0.2)
})
