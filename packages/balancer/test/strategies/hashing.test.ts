import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { maglev, rendezvous, ringHash } from '@gatelet/balancer'
import type { Endpoint, Strategy, StrategyFactory } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maglevTable } from '../../src/strategies/maglev-table.ts'
import { counts, type FakeEndpoint, fakes, made } from '../fakes.ts'
import { hashing } from './all.ts'

const servers = (n: number, weight: (at: number) => number = () => 1): FakeEndpoint[] =>
  Array.from({ length: n }, (_, at) => ({
    id: `http://10.0.${at >> 8}.${at & 255}:8080`,
    weight: weight(at),
    inflight: 0,
    metadata: {},
  }))

const keys = (n: number) => Array.from({ length: n }, (_, at) => `user-${at}`)

const pickOf = (strategy: Strategy, hashKey: string, accepts: (endpoint: Endpoint) => boolean = () => true) =>
  strategy.pick({ hashKey, attempt: 0, accepts })?.id

const owners = (factory: StrategyFactory, endpoints: readonly Endpoint[], n: number) => {
  const strategy = made(factory, endpoints)
  return keys(n).map((key) => pickOf(strategy, key))
}

/** The greatest share as a multiple of the fair one, and the least. */
function spread(factory: StrategyFactory, endpoints: readonly FakeEndpoint[], n: number): { most: number; least: number } {
  const found = counts(owners(factory, endpoints, n))
  const sum = endpoints.reduce((sum, { weight }) => sum + weight, 0)
  const ratios = endpoints.map(({ id, weight }) => (found[id] ?? 0) / ((n * weight) / sum))
  return { most: Math.max(...ratios), least: Math.min(...ratios) }
}

/** How many keys moved though their endpoint stayed, when the third leaves. */
function movedByLeaving(factory: StrategyFactory, endpoints: readonly FakeEndpoint[], n: number): number {
  const gone = endpoints[2]
  const before = owners(factory, endpoints, n)
  const after = owners(
    factory,
    endpoints.filter((endpoint) => endpoint !== gone),
    n,
  )
  return before.filter((id, at) => id !== gone?.id && id !== after[at]).length
}

describe.each(hashing)('%s', (_name, factory) => {
  test('sends keys to the same endpoints whatever the order of the list and the weights', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }), fc.integer(), (weights, seed) => {
        const endpoints = fakes(...weights)
        const other = fc.sample(fc.shuffledSubarray(endpoints, { minLength: endpoints.length }), { seed, numRuns: 1 })[0] ?? []
        expect(owners(factory, other, 50)).toEqual(owners(factory, endpoints, 50))
      }),
      { seed: 4, numRuns: 20 },
    )
  })

  test('sends the retries of a key along its own order, the same each time, and to each endpoint once', () => {
    const endpoints = servers(8, (at) => 1 + (at % 3))
    const walk = (strategy: Strategy, key: string) => {
      const tried: string[] = []
      while (tried.length < endpoints.length) tried.push(pickOf(strategy, key, ({ id }) => !tried.includes(id)) ?? '')
      return tried
    }
    const seconds = new Set<string | undefined>()
    const [here, there] = [made(factory, endpoints, 1), made(factory, [...endpoints].reverse(), 2)]
    for (const key of keys(200)) {
      const order = walk(here, key)
      expect(new Set(order).size).toBe(endpoints.length)
      expect(walk(there, key)).toEqual(order)
      seconds.add(order[1])
    }
    // The keys of one that fails are spread over all the others.
    expect(seconds.size).toBe(endpoints.length)
  })

  test('gives shares in proportion to weights that are fractions, or large', () => {
    for (const unit of [0.001, 1, 50_000]) {
      const { most, least } = spread(
        factory,
        servers(8, (at) => unit * (1 + (at % 4))),
        40_000,
      )
      expect(most).toBeLessThan(1.35)
      expect(least).toBeGreaterThan(0.65)
    }
  })

  test('spreads what has no key by load', () => {
    const endpoints = servers(2)
    const strategy = made(factory, endpoints)
    Object.assign(endpoints[0] as object, { inflight: 1 })
    for (let pick = 0; pick < 20; pick++)
      expect(strategy.pick({ hashKey: undefined, attempt: 0, accepts: () => true })).toBe(endpoints[1])
  })

  test('takes an empty key for a key', () => {
    const strategy = made(factory, servers(9))
    expect(new Set(Array.from({ length: 50 }, () => pickOf(strategy, ''))).size).toBe(1)
  })

  test('serves ten thousand endpoints', () => {
    const endpoints = servers(10_000)
    const strategy = made(factory, endpoints)
    const found = counts(keys(20_000).map((key) => pickOf(strategy, key)))
    expect(Object.keys(found).length).toBeGreaterThan(7_500)
    expect(pickOf(strategy, 'x', (endpoint) => endpoint === endpoints[77])).toBe(endpoints[77]?.id)
  })
})

test('another process sends keys to the same endpoints', () => {
  const program = `
    import { maglev, rendezvous, ringHash } from '@gatelet/balancer'
    const endpoints = Array.from({ length: 9 }, (_, at) => ({ id: 'http://10.0.0.' + at + ':8080', weight: 1 + at % 2, inflight: 0, metadata: {} }))
    const all = [rendezvous, maglev(), ringHash()].map((factory) => {
      const strategy = factory({ now: Date.now, random: Math.random })
      strategy.update(endpoints)
      return Array.from({ length: 200 }, (_, at) => strategy.pick({ hashKey: 'user-' + at, attempt: 0, accepts: () => true }).id)
    })
    console.log(JSON.stringify(all))
  `
  const conditions = process.env['GATELET_DIST'] === '1' ? [] : ['--conditions=@gatelet/source']
  const cwd = fileURLToPath(new URL('../../../..', import.meta.url))
  const args = [...conditions, '--import', 'tsx', '--input-type=module', '--eval', program]
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  expect(stderr).toBe('')
  const endpoints = Array.from({ length: 9 }, (_, at) => ({
    id: `http://10.0.0.${at}:8080`,
    weight: 1 + (at % 2),
    inflight: 0,
    metadata: {},
  }))
  expect(JSON.parse(stdout)).toEqual([rendezvous, maglev(), ringHash()].map((factory) => owners(factory, endpoints, 200)))
}, 30_000)

test('these keys have gone to these endpoints in every version: a new version must not move them', () => {
  const endpoints = fakes(1, 2, 1, 3, 1)
  const home = ([, factory]: (typeof hashing)[number]) => owners(factory, endpoints, 24).join('')
  expect(hashing.map(home)).toMatchInlineSnapshot(`
    [
      "ebdbcddddbdacecddaeddebd",
      "ecbeecebdadcdbabbadbadec",
      "dcbbacedacbdbbcddbedbbdd",
    ]
  `)
})

describe('rendezvous', () => {
  test('moves no key of the others when one leaves, or has another weight', () => {
    for (const weight of [() => 1, (at: number) => 1 + (at % 4)]) {
      expect(movedByLeaving(rendezvous, servers(12, weight), 20_000)).toBe(0)
    }
    const endpoints = servers(12)
    const before = owners(rendezvous, endpoints, 20_000)
    Object.assign(endpoints[4] as object, { weight: 2 })
    const after = owners(rendezvous, endpoints, 20_000)
    expect(before.filter((id, at) => id !== after[at] && after[at] !== endpoints[4]?.id)).toEqual([])
  })

  test('is even to 5 %, and true to weights to 2 %', () => {
    const { most, least } = spread(rendezvous, servers(10), 100_000)
    expect(most).toBeLessThan(1.05)
    expect(least).toBeGreaterThan(0.95)
    const byWeight = spread(
      rendezvous,
      servers(4, (at) => at + 1),
      200_000,
    )
    expect(byWeight.most).toBeLessThan(1.02)
    expect(byWeight.least).toBeGreaterThan(0.98)
  })

  test('picks the nearest of those that may be picked, whatever their weights, and however close', () => {
    const weight = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.double({ min: 1e-6, max: 1e6, noNaN: true }))
    const member = fc.tuple(weight, fc.integer({ min: 0, max: 2 }))
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 20 }), fc.integer(), (members, seed) => {
        const endpoints = fakes(...members.map(([weight]) => weight))
        const accepted = new Set(endpoints.filter((_, at) => members[at]?.[1] !== 0).map(({ id }) => id))
        const strategy = made(rendezvous, endpoints)
        for (const key of keys(40)) {
          const context = { hashKey: `${seed} ${key}`, attempt: 0, accepts: ({ id }: Endpoint) => accepted.has(id) }
          const scores = strategy.explain?.(context) ?? []
          const nearest = scores.reduce(
            (best, each) => (each.score < best.score ? each : best),
            scores[0] ?? { id: '', score: 0 },
          )
          expect(strategy.pick(context)?.id ?? '').toBe(nearest.id)
        }
      }),
      { seed: 23, numRuns: 300 },
    )
  })

  test('ranks with equal weights as it does with weights that hardly differ', () => {
    const almost = servers(10, (at) => 1 + at * 1e-12)
    expect(owners(rendezvous, almost, 5_000)).toEqual(owners(rendezvous, servers(10), 5_000))
  })
})

describe('maglev', () => {
  const entries = (endpoints: readonly FakeEndpoint[], size = 65_537) => {
    const found = new Array<number>(endpoints.length).fill(0)
    for (const at of maglevTable(endpoints, size)) found[at] = (found[at] as number) + 1
    return found
  }

  test.each([1, 2, 3, 10, 50, 100])('fills the whole table for %i endpoints, evenly to one place', (n) => {
    const found = entries(servers(n))
    expect(found.reduce((sum, count) => sum + count, 0)).toBe(65_537)
    expect(Math.max(...found) - Math.min(...found)).toBeLessThanOrEqual(1)
  })

  test('gives weights 1 and 2 the places that Envoy documents, and others theirs to 1 %', () => {
    expect(entries(servers(2, (at) => at + 1))).toEqual([21_846, 43_691])
    expect(entries(servers(2, (at) => (at + 1) / 10))).toEqual([21_846, 43_691])
    const found = entries(servers(3, (at) => 10 ** at))
    for (const [at, count] of found.entries()) expect(Math.abs(count / ((65_537 * 10 ** at) / 111) - 1)).toBeLessThan(0.01)
  })

  test('gives a place to each, however light', () => {
    expect(Math.min(...entries(servers(1_000, (at) => (at === 0 ? 1_000_000 : 1))))).toBeGreaterThanOrEqual(1)
  })

  test.each([3, 10, 50, 100])('moves at most 1 % of the keys of others when one of %i leaves', (n) => {
    expect(movedByLeaving(maglev(), servers(n), 50_000)).toBeLessThanOrEqual(500)
  })

  test('has no more endpoints than places picked by key', () => {
    const strategy = made(maglev({ tableSize: 3 }), servers(5))
    expect(new Set(keys(100).map((key) => pickOf(strategy, key))).size).toBe(3)
  })
})

describe('ringHash', () => {
  test('moves no key of the others when one leaves, and from others to the new one only when one joins', () => {
    for (const weight of [() => 1, (at: number) => 1 + (at % 4)])
      expect(movedByLeaving(ringHash(), servers(12, weight), 20_000)).toBe(0)
    const [more, fewer] = [owners(ringHash(), servers(12), 20_000), owners(ringHash(), servers(11), 20_000)]
    const newcomer = servers(12)[11]?.id
    expect(more.filter((id, at) => id !== fewer[at] && id !== newcomer)).toEqual([])
  })

  test.each([
    [10, 160, 1.35],
    [50, 160, 1.5],
    [10, 1_024, 1.2],
  ])('gives none of %i endpoints with %i points more than %f times its share', (n, pointsPerWeight, most) => {
    expect(spread(ringHash({ pointsPerWeight }), servers(n), 100_000).most).toBeLessThanOrEqual(most)
  })
})

describe('options', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['a table whose size is not a prime', () => maglev({ tableSize: 65_536 }), /^maglev: tableSize must be a prime number/],
    ['a table of two places', () => maglev({ tableSize: 2 }), /tableSize must be a whole number from 3 to 5000011/],
    [
      'half a point',
      () => ringHash({ pointsPerWeight: 0.5 }),
      /^ringHash: pointsPerWeight must be a whole number from 1 to 10000/,
    ],
    ['an unknown option', () => ringHash({ points: 1 } as never), /points is not an option; did you mean pointsPerWeight/],
  ])('refuse %s at the start', (_what, make, message) => expect(make).toThrow(message))
})
