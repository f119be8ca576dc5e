import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tierLoads } from '../../src/selection/tier-loads.ts'

const rules = { overprovisioning: 1.4, panicThreshold: 0.5 }
const percent = (healthy: number) => ({ total: 100, healthy })

describe('the rows that Envoy publishes, by its formula', () => {
  test.each<[healthy: number[], shares: number[], panicking: string]>([
    [[100, 100], [100, 0], '--'],
    [[72, 100], [100, 0], '--'],
    [[71, 100], [99, 1], '--'],
    [[50, 100], [70, 30], '--'],
    [[25, 100], [35, 65], '--'],
    [[0, 100], [0, 100], '--'],
    [[72, 72], [100, 0], '--'],
    [[71, 71], [99, 1], '--'],
    // The published table says 50 and 50 here, against its own formula.
    [[50, 60], [70, 30], '--'],
    [[25, 25], [50, 50], 'PP'],
    [[5, 65], [7, 93], 'P-'],
    [[0, 0], [50, 50], 'PP'],
    [[25, 25, 20], [33, 33, 33], 'PPP'],
    [[25, 25, 25], [35, 35, 30], '---'],
  ])('%j healthy: %j of the traffic, %s', (healthy, shares, panicking) => {
    const loads = tierLoads(healthy.map(percent), rules)
    expect(loads.map(({ share }) => Math.round(share * 100))).toEqual(shares)
    expect(loads.map(({ isPanicking }) => (isPanicking ? 'P' : '-')).join('')).toBe(panicking)
  })
})

test('where all panic, each gets in proportion to its endpoints', () => {
  const loads = tierLoads(
    [
      { total: 3, healthy: 0 },
      { total: 1, healthy: 0 },
      { total: 0, healthy: 0 },
    ],
    rules,
  )
  expect(loads.map(({ share }) => share)).toEqual([0.75, 0.25, 0])
  expect(loads.map(({ isPanicking }) => isPanicking)).toEqual([true, true, false])
})

test('with a threshold of 0 nobody panics, and nobody gets anything where nobody is healthy', () => {
  expect(tierLoads([percent(0)], { ...rules, panicThreshold: 0 })).toEqual([{ share: 0, isPanicking: false }])
})

const tier = fc
  .integer({ min: 0, max: 40 })
  .chain((total) => fc.record({ total: fc.constant(total), healthy: fc.integer({ min: 0, max: total }) }))
const tiers = fc.array(tier, { minLength: 1, maxLength: 6 })
const anyRules = fc.record({
  overprovisioning: fc.double({ min: 1, max: 5, noNaN: true }),
  panicThreshold: fc.double({ min: 0, max: 1, noNaN: true }),
})

test('the shares sum to 1 whenever somebody may be picked', () => {
  fc.assert(
    fc.property(tiers, anyRules, (tiers, rules) => {
      const loads = tierLoads(tiers, rules)
      const sum = loads.reduce((all, { share }) => all + share, 0)
      const isAnybodyThere = tiers.some(({ healthy }) => healthy > 0) || loads.some(({ isPanicking }) => isPanicking)
      expect(sum).toBeCloseTo(isAnybodyThere ? 1 : 0, 9)
      for (const [at, { share }] of loads.entries()) {
        expect(share).toBeGreaterThanOrEqual(0)
        if (tiers[at]?.total === 0) expect(share).toBe(0)
      }
    }),
    { seed: 20, numRuns: 1000 },
  )
})

test('a priority that gets healthier never gets less, as long as not all of them panic', () => {
  fc.assert(
    fc.property(tiers, fc.nat(), (tiers, pick) => {
      const at = pick % tiers.length
      const { total, healthy } = tiers[at] as { total: number; healthy: number }
      if (healthy >= total) return
      const better = tiers.with(at, { total, healthy: healthy + 1 })
      const [before, after] = [tierLoads(tiers, rules), tierLoads(better, rules)]
      const areAll = (loads: typeof before) => loads.every(({ isPanicking }, at) => isPanicking || tiers[at]?.total === 0)
      if (areAll(before) || areAll(after)) return
      expect(after[at]?.share).toBeGreaterThanOrEqual((before[at]?.share ?? 0) - 1e-9)
    }),
    { seed: 21, numRuns: 1000 },
  )
})
