import { leastRequests, peakEwma } from '@gatelet/balancer'
import { type SimulateOptions, simulate } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

// Nobody is ejected here: what is seen is what a strategy does by itself.
const attemptsAtFirst = (
  options: Partial<SimulateOptions> & Pick<SimulateOptions, 'endpoints' | 'arrivals' | 'strategy'>,
): number => simulate({ serviceTimes: { meanMs: 10 }, ...options }).endpoints[0]?.attempts ?? 0

describe.each([
  ['peakEwma', peakEwma()],
  ['leastRequests', leastRequests],
])('%s sends less than 15 in a hundred to one that is ten times slower', (_name, strategy) => {
  const counts = [3, 4, 5, 6, 7, 8, 9, 10]
  // Requests a second for each endpoint: one that does one thing at a time is half, or two thirds busy with these.
  test.each(counts.flatMap((n) => [50, 67].map((rate) => [n, rate] as const)))('of %i, at %i requests a second', (n, rate) => {
    for (const workers of [1, 8]) {
      const ordinary = Array.from({ length: n - 1 }, () => ({ workers }))
      const arrivals = { perSecond: rate * n, requests: 20_000 }
      const attempts = attemptsAtFirst({ endpoints: [{ workers, slowness: 10 }, ...ordinary], arrivals, strategy })
      expect(attempts / arrivals.requests).toBeLessThan(0.15)
    }
  })
})

describe('peakEwma sends less than a tenth of a second’s requests to one of three that begins to fail at once', () => {
  const FAILS_AT = 5_000
  // The other two can take all: with 5 ms for a request, 400 a second.
  test.each([
    [100, 'error'],
    [100, 'down'],
    [300, 'error'],
    [300, 'down'],
  ] as const)('%i requests a second, %s', (perSecond, kind) => {
    const arrivals = Array.from({ length: perSecond * 6 }, (_, at) => (at * 1_000) / perSecond)
    const faults = [{ endpoint: 'e0', kind, fromMs: FAILS_AT }]
    const until = (ms: number) => {
      const some = arrivals.filter((time) => time < ms)
      return attemptsAtFirst({ endpoints: 3, serviceTimes: { meanMs: 5 }, arrivals: some, faults, strategy: peakEwma() })
    }
    // The same seed and the same requests: up to there, both are one.
    const [before, after] = [until(FAILS_AT), until(FAILS_AT + 1_000)]
    expect(before / (5 * perSecond)).toBeGreaterThan(0.2)
    expect((after - before) / perSecond).toBeLessThan(0.1)
  })
})
