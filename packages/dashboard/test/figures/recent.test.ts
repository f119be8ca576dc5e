import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BoundedMap, LatestBy, OTHER } from '../../src/figures/bounded.ts'
import { BUCKETS, bucketOf, quantile } from '../../src/figures/histogram.ts'
import { Recent } from '../../src/figures/recent.ts'

describe('percentiles', () => {
  test('are at most 4.5 % off', () => {
    const latencies = fc.array(fc.double({ min: 0.06, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(latencies, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
        const counts = new Uint32Array(BUCKETS)
        for (const ms of list) counts[bucketOf(ms)]!++
        const exact = [...list].sort((a, b) => a - b)[Math.max(1, Math.ceil(q * list.length)) - 1] as number
        const off = (quantile(counts, q) as number) / exact
        expect(off).toBeGreaterThan(0.955)
        expect(off).toBeLessThan(1.046)
      }),
      { seed: 12 },
    )
  })

  test.each([0, -1, Number.MIN_VALUE, 1e12, Number.POSITIVE_INFINITY, Number.NaN])('%d is in a bucket that is there', (ms) => {
    expect(bucketOf(ms)).toBeGreaterThanOrEqual(0)
    expect(bucketOf(ms)).toBeLessThan(BUCKETS)
  })

  test('of nothing are not known', () => {
    expect(quantile(new Uint32Array(BUCKETS), 0.5)).toBeUndefined()
  })
})

describe('the recent past', () => {
  test('is forgotten slot by slot', () => {
    const recent = new Recent(3, 1_000, 0)
    for (const at of [100, 200, 1_500, 2_500]) recent.add(at, 10, at === 1_500)
    expect(recent.read(2_999)).toMatchObject({ failedShare: 0.25, perSecond: 4 / 2.999 })
    expect(recent.read(3_500)).toMatchObject({ failedShare: 0.5, perSecond: 2 / 2.5 })
    expect(recent.read(9_000)).toMatchObject({ failedShare: 0, perSecond: 0, p50: undefined })
    recent.add(9_100, 10, false)
    expect(recent.readFull(10_050)).toMatchObject({ perSecond: 1 })
  })

  test('that has only begun counts as a second', () => {
    const recent = new Recent(3, 1_000, 5)
    recent.add(5, 1, false)
    expect(recent.read(6).perSecond).toBe(1)
  })
})

describe('what is kept by name', () => {
  test('is bounded: the rest is one', () => {
    const map = new BoundedMap(2, () => ({ count: 0 }))
    for (const name of ['a', 'b', 'c', 'd', 'a', '__proto__']) map.at(name).count++
    expect(map.list()).toEqual([
      ['a', { count: 2 }],
      ['b', { count: 1 }],
      [OTHER, { count: 3 }],
    ])
  })

  test('goes when newer things come', () => {
    const latest = new LatestBy<number>(2)
    latest.put('a', 1)
    latest.put('b', 2)
    latest.put('a', 3)
    latest.put('c', 4)
    expect(latest.list()).toEqual([4, 3])
  })
})
