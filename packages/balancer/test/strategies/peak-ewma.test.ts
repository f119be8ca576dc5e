import { peakEwma } from '@gatelet/balancer'
import type { Outcome, Strategy } from '@gatelet/core'
import { seededRandom, simulate } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { among, counts, type FakeEndpoint, fakes } from '../fakes.ts'

/** A strategy with two endpoints and a clock of its own. */
function scene(n = 2, options = {}) {
  const time = { now: 1_000 }
  const endpoints = fakes(...new Array<number>(n).fill(1))
  const strategy = peakEwma(options)({ now: () => time.now, random: seededRandom(1) })
  strategy.update(endpoints)
  const [a, b] = endpoints as [FakeEndpoint, FakeEndpoint]
  return { time, endpoints, strategy, a, b, score: (id = 'a') => scoreOf(strategy, id) }
}

const scoreOf = (strategy: Strategy, id: string) =>
  strategy.explain?.(among()).find((each) => each.id === id)?.score ?? Number.NaN

const took = (latencyMs: number): Outcome => ({ kind: 'success', latencyMs, status: 200 })

test('jumps to a peak with one answer', () => {
  const { strategy, time, a, score } = scene()
  strategy.report?.(a, took(10))
  time.now += 1
  strategy.report?.(a, took(700))
  expect(score()).toBe(700)
})

test('comes down as a moving average does', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60_000 }), fc.double({ min: 0.01, max: 100, noNaN: true }), (elapsed, latencyMs) => {
      const { strategy, time, a, score } = scene()
      strategy.report?.(a, took(100))
      time.now += elapsed
      strategy.report?.(a, took(latencyMs))
      const old = Math.exp(-elapsed / 10_000)
      expect(score()).toBeCloseTo(latencyMs * (1 - old) + 100 * old, 9)
    }),
    { seed: 1, numRuns: 200 },
  )
})

test('fades while the endpoint is idle, the same however often it is looked at', () => {
  const { strategy, time, a, score } = scene(2, { decayMs: 2_000 })
  strategy.report?.(a, took(100))
  for (let step = 1; step <= 50; step++) {
    time.now += 100
    expect(Math.abs(score() - 100 * Math.exp((-step * 100) / 2_000))).toBeLessThan(1e-9)
  }
})

test('does not fade while a request is on its way: one tries it again, not all', () => {
  const { strategy, time, a, b, score } = scene()
  strategy.report?.(a, took(100))
  strategy.report?.(b, took(5))
  time.now += 100_000
  b.inflight = 1
  strategy.report?.(b, took(5))
  expect(strategy.pick(among())).toBe(a)
  a.inflight = 1
  expect(score()).toBe(200)
  for (let pick = 0; pick < 20; pick++) expect(strategy.pick(among())).toBe(b)
})

test('grows with the requests in flight', () => {
  const { strategy, a, score } = scene()
  strategy.report?.(a, took(7))
  const scores = Array.from({ length: 10 }, (_, inflight) => {
    a.inflight = inflight
    return score()
  })
  expect(scores).toEqual(scores.map((_, inflight) => 7 * (inflight + 1)))
})

test('gives a new endpoint one request, and the others none until the answer', () => {
  const { strategy, a, b } = scene()
  strategy.report?.(a, took(50))
  expect(strategy.pick(among())).toBe(b)
  b.inflight = 1
  a.inflight = 20
  for (let pick = 0; pick < 20; pick++) expect(strategy.pick(among())).toBe(a)
})

test.each<[string, Outcome, number]>([
  ['a failure', { kind: 'failure', latencyMs: 1 }, 5_000],
  ['an answer of 503', { kind: 'failure', latencyMs: 1, status: 503 }, 5_000],
  ['an answer of 429', { kind: 'success', latencyMs: 1, status: 429 }, 5_000],
  ['a failure that took longer', { kind: 'failure', latencyMs: 30_000 }, 30_000],
  ['a Retry-After', { kind: 'failure', latencyMs: 1, status: 503, retryAfterMs: 20_000 }, 20_000],
  ['a Retry-After of a day', { kind: 'failure', latencyMs: 1, status: 503, retryAfterMs: 86_400_000 }, 300_000],
  ['an answer of 404', { kind: 'success', latencyMs: 1, status: 404 }, 1],
])('counts %s as %j for %i ms', (_what, outcome, expected) => {
  const { strategy, a, score } = scene()
  strategy.report?.(a, outcome)
  expect(score()).toBe(expected)
})

test('does not take one failure among many answers for a peak, but a Retry-After', () => {
  const { strategy, time, a, score } = scene()
  for (let answer = 0; answer < 100; answer++) {
    time.now += 10
    strategy.report?.(a, took(10))
  }
  time.now += 10
  strategy.report?.(a, { kind: 'failure', latencyMs: 1, status: 500 })
  expect(score()).toBeLessThan(20)
  strategy.report?.(a, { kind: 'failure', latencyMs: 1, status: 503, retryAfterMs: 8_000 })
  expect(score()).toBe(8_000)
})

test('sends less than a tenth to one of three that fails at once', () => {
  const { strategy, time, endpoints, a } = scene(3)
  for (const endpoint of endpoints) strategy.report?.(endpoint, took(20))
  const picked: string[] = []
  for (let request = 0; request < 100; request++) {
    time.now += 10
    const endpoint = strategy.pick(among()) as FakeEndpoint
    picked.push(endpoint.id)
    strategy.report?.(endpoint, endpoint === a ? { kind: 'failure', latencyMs: 0.1, status: 500 } : took(20))
  }
  expect(counts(picked)['a'] ?? 0).toBeLessThan(10)
})

test('sends less than 15 % to one of three that is ten times slower', () => {
  const { endpoints } = simulate({
    endpoints: [{ id: 'slow', slowness: 10, workers: 8 }, { workers: 8 }, { workers: 8 }],
    arrivals: { perSecond: 200, requests: 20_000 },
    serviceTimes: { meanMs: 10 },
    strategy: peakEwma(),
  })
  expect(endpoints.find(({ id }) => id === 'slow')?.share).toBeLessThan(0.15)
})

test('counts requests in flight also where answers take no time', () => {
  const { strategy, a, b } = scene()
  strategy.report?.(a, took(0))
  strategy.report?.(b, took(0))
  a.inflight = 3
  expect(strategy.pick(among())).toBe(b)
})

test.each<[string, () => unknown, RegExp]>([
  ['no time to fade', () => peakEwma({ decayMs: 0 }), /^peakEwma: decayMs must be a number of milliseconds from 1/],
  ['a negative penalty', () => peakEwma({ penaltyMs: -1 }), /^peakEwma: penaltyMs must be a number of milliseconds from 0/],
])('refuses %s at the start', (_what, make, message) => expect(make).toThrow(message))
