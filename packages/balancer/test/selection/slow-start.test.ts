import { createBalancer } from '@gatelet/balancer'
import type { StrategyFactory } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rampAt } from '../../src/selection/ramp.ts'
import { attempt, counts, failTimes, named, viewOf } from '../fakes.ts'

const rules = { windowMs: 60_000, minWeight: 0.1, aggression: 1 }

test('the part grows from the least to the whole, and never falls', () => {
  const anyRules = fc.record({
    windowMs: fc.integer({ min: 1, max: 600_000 }),
    minWeight: fc.double({ min: 0.01, max: 1, noNaN: true }),
    aggression: fc.double({ min: 0.1, max: 10, noNaN: true }),
  })
  fc.assert(
    fc.property(anyRules, fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 2 }), (rules, parts) => {
      const ramps = parts.toSorted((a, b) => a - b).map((part) => rampAt(part * rules.windowMs, rules))
      for (const [at, ramp] of ramps.entries()) {
        expect(ramp).toBeGreaterThanOrEqual(ramps[at - 1] ?? rules.minWeight)
        expect(ramp).toBeLessThanOrEqual(1)
      }
      expect(rampAt(rules.windowMs, rules)).toBe(1)
    }),
    { seed: 18, numRuns: 500 },
  )
})

test('a greater aggression is faster at first', () => {
  expect(rampAt(15_000, rules)).toBe(0.25)
  expect(rampAt(15_000, { ...rules, aggression: 2 })).toBe(0.5)
  expect(rampAt(30_000, { ...rules, aggression: 0.5 })).toBe(0.25)
})

function startOf(endpoints = [named('a'), named('b')], strategy: 'round-robin' | StrategyFactory = 'round-robin') {
  const clock = virtualClock()
  const slowStart = { windowMs: 10_000 }
  const balancer = createBalancer({ endpoints, clock, strategy, slowStart })
  const share = (id: string) => counts(Array.from({ length: 1_000 }, () => attempt(balancer, 'cancelled')))[id] ?? 0
  return { clock, balancer, share }
}

describe('slow start', () => {
  test('never holds back those of the first list', () => {
    const { balancer } = startOf()
    attempt(balancer, 'success')
    expect(balancer.endpoints.map(({ weight }) => weight)).toEqual([1, 1])
  })

  test('nor those of the first list of a balancer that began empty', async () => {
    const { balancer } = startOf([])
    await balancer.replace([named('a'), named('b')])
    expect(balancer.endpoints.map(({ weight }) => weight)).toEqual([1, 1])
  })

  test('nor those of the first list of a discovery source, only those of later ones', async () => {
    async function* lists() {
      yield [named('a'), named('b')]
      await new Promise((soon) => setImmediate(soon))
      yield [named('a'), named('b'), named('c')]
    }
    const slowStart = { windowMs: 10_000 }
    const balancer = createBalancer({ endpoints: lists(), slowStart, discovery: { coalesceMs: 0 } })
    balancer.add(named('a'))
    await balancer.ready()
    expect(balancer.endpoints.map(({ weight }) => weight)).toEqual([1, 1])
    await expect.poll(() => balancer.endpoints.map(({ weight }) => weight)).toEqual([1, 1, 0.1])
    await balancer.close()
  })

  test('gives one that is added a tenth, then more with each step, and all of it at the end', async () => {
    const { balancer, clock, share } = startOf()
    balancer.add(named('c', 2))
    expect(viewOf(balancer, 'c')).toMatchObject({ weight: 0.2, fullWeight: 2 })
    expect(share('c')).toBeGreaterThanOrEqual(89)
    expect(share('c')).toBeLessThanOrEqual(93)
    await clock.advance(5_000)
    expect(share('c')).toBeGreaterThanOrEqual(331)
    expect(share('c')).toBeLessThanOrEqual(336)
    expect(viewOf(balancer, 'c').weight).toBe(1)
    await clock.advance(5_000)
    expect(share('c')).toBeGreaterThanOrEqual(498)
    expect(viewOf(balancer, 'c').weight).toBe(2)
  })

  test('tells strategies of at most 20 changes in a window, and sets no timer', async () => {
    let updates = 0
    const counting: StrategyFactory = () => {
      let first: Parameters<ReturnType<StrategyFactory>['update']>[0] = []
      return {
        update(snapshot) {
          updates++
          first = snapshot
        },
        pick: ({ accepts }) => first.find((endpoint) => accepts(endpoint)),
      }
    }
    const { balancer, clock } = startOf([named('a')], counting)
    balancer.add(named('b'))
    const before = updates
    for (let ms = 0; ms < 12_000; ms += 10) {
      attempt(balancer, 'success')
      await clock.advance(10)
    }
    expect(updates - before).toBeGreaterThan(10)
    expect(updates - before).toBeLessThanOrEqual(20)
    expect(clock.pending).toBe(0)
  })

  test('holds for one that comes back after its ejection', async () => {
    const { balancer, clock } = startOf([named('a'), named('b'), named('c')])
    failTimes(balancer, 5, 'b')
    await clock.advance(30_000)
    attempt(balancer, 'success')
    expect(viewOf(balancer, 'b')).toMatchObject({ weight: 0.1, fullWeight: 1 })
  })

  test('does not hold for one that comes back because all others fail too', () => {
    const { balancer } = startOf()
    failTimes(balancer, 5, 'a')
    failTimes(balancer, 5, 'b')
    expect(balancer.endpoints.map(({ weight, state }) => [weight, state])).toEqual([
      [1, 'active'],
      [1, 'active'],
    ])
  })

  test('keeps to a weight that is set meanwhile', async () => {
    const { balancer, clock } = startOf()
    balancer.add(named('c'))
    balancer.setWeight('c', 4)
    expect(viewOf(balancer, 'c').weight).toBeCloseTo(0.4)
    await clock.advance(10_000)
    attempt(balancer, 'success')
    expect(viewOf(balancer, 'c').weight).toBe(4)
  })
})
