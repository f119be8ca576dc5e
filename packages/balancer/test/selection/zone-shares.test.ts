import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { zoneShares } from '../../src/selection/zone-shares.ts'

const zones = (counts: Record<string, number>) => Object.entries(counts).map(([zone, count]) => ({ zone, count, weight: count }))
const rules = { local: 'a', gateways: undefined, minEndpoints: 6 }

describe('a gateway in zone a', () => {
  test.each<[what: string, counts: Record<string, number>, shares: number[] | undefined]>([
    ['keeps all where the zones are equal', { a: 3, b: 3 }, [1, 0]],
    ['keeps all where its zone is the larger one', { a: 5, b: 3 }, [1, 0]],
    ['keeps what its zone can take, where that is the smaller one', { a: 2, b: 6 }, [0.5, 0.5]],
    ['spills to the zones with room in proportion to it', { a: 1, b: 4, c: 7 }, [0.25, 0, 0.75]],
    ['does not tell zones apart where there is only one', { a: 9 }, undefined],
    ['does not tell zones apart below the least number', { a: 2, b: 3 }, undefined],
    ['does not tell zones apart where nobody is in its own', { b: 4, c: 4 }, undefined],
  ])('%s', (_what, counts, shares) => {
    const found = zoneShares(zones(counts), rules)
    if (!shares) expect(found).toBeUndefined()
    else for (const [at, share] of shares.entries()) expect(found?.[at]).toBeCloseTo(share, 9)
  })

  test('goes by how many gateways there are in each zone, where it is told', () => {
    const told = { ...rules, gateways: { a: 3, b: 1 } }
    expect(zoneShares(zones({ a: 4, b: 4 }), told)?.map((share) => share.toFixed(4))).toEqual(['0.6667', '0.3333'])
    expect(zoneShares(zones({ a: 4, b: 4 }), { ...rules, gateways: { b: 1 } })).toBeUndefined()
  })

  test('goes by weights', () => {
    const uneven = [
      { zone: 'a', count: 3, weight: 1 },
      { zone: 'b', count: 3, weight: 3 },
    ]
    expect(zoneShares(uneven, rules)).toEqual([0.5, 0.5])
  })
})

test('when every gateway does the same, each zone gets what its weight says', () => {
  const zone = fc.record({ count: fc.integer({ min: 1, max: 30 }), gateways: fc.integer({ min: 1, max: 30 }) })
  fc.assert(
    fc.property(fc.array(zone, { minLength: 2, maxLength: 6 }), (found) => {
      const all = found.map(({ count }, at) => ({ zone: `z${at}`, count, weight: count }))
      const gateways = Object.fromEntries(found.map((each, at) => [`z${at}`, each.gateways]))
      const callers = found.reduce((sum, each) => sum + each.gateways, 0)
      const endpoints = found.reduce((sum, { count }) => sum + count, 0)
      const load = all.map(() => 0)
      for (const [from, { gateways: here }] of found.entries()) {
        const shares = zoneShares(all, { local: `z${from}`, gateways, minEndpoints: 1 }) as number[]
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9)
        for (const [to, share] of shares.entries()) load[to] = (load[to] ?? 0) + (share * here) / callers
      }
      for (const [at, { count }] of found.entries()) expect(load[at]).toBeCloseTo(count / endpoints, 9)
    }),
    { seed: 22, numRuns: 500 },
  )
})
