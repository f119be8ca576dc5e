import { createBalancer, type ManagedBalancer } from '@gatelet/balancer'
import { type Endpoint, isLease, type StrategyFactory } from '@gatelet/core'
import { exchange, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { counts, failTimes, leaseOf, named } from '../fakes.ts'

const member = (id: string, more: object = {}) => ({ ...named(id), ...more })
const second = { priority: 1 }

/** The ids that so many requests get, one after another; nothing stays in flight. */
function idsOf(balancer: ManagedBalancer, requests = 1_000, path = '/'): string[] {
  return Array.from({ length: requests }, () => {
    const lease = balancer.tryAcquire({ tried: [], context: exchange(path).ctx })
    if (!isLease(lease)) return lease.reason
    lease.release()
    return lease.endpoint.id
  })
}

/** A strategy that says how often it was made, and keeps count of what it was told of each endpoint. */
function countingStrategy() {
  const told = new Map<Endpoint, number>()
  let made = 0
  const factory: StrategyFactory = () => {
    made++
    let endpoints: readonly Endpoint[] = []
    return {
      update(snapshot) {
        endpoints = snapshot
      },
      pick: ({ accepts }) => endpoints.find((endpoint) => accepts(endpoint)),
      report: (endpoint) => void told.set(endpoint, (told.get(endpoint) ?? 0) + 1),
    }
  }
  return { factory, told, made: () => made }
}

describe('priorities', () => {
  test('the first one gets everything while it is healthy enough, and then its part', () => {
    const endpoints = [member('a'), member('b'), member('c', second), member('d', second)]
    const balancer = createBalancer({ endpoints, clock: virtualClock(), strategy: 'round-robin' })
    expect(counts(idsOf(balancer))).toEqual({ a: 500, b: 500 })
    failTimes(balancer, 5, 'a')
    const found = counts(idsOf(balancer, 10_000))
    // 1.4 × 50 % of them.
    expect(found['b']).toBeGreaterThan(6_770)
    expect(found['b']).toBeLessThan(7_230)
    expect(found['a']).toBeUndefined()
    expect(Math.abs((found['c'] ?? 0) - (found['d'] ?? 0))).toBeLessThanOrEqual(1)
  })

  test('a request that was everywhere in its priority goes to the next one, then to those that are ejected, then again', () => {
    const balancer = createBalancer({ endpoints: [member('a'), member('b'), member('c', second)], clock: virtualClock() })
    failTimes(balancer, 5, 'b')
    const tried: Endpoint[] = []
    const ids = []
    for (let attempt = 0; attempt < 3; attempt++) {
      const lease = balancer.tryAcquire({ tried })
      if (!isLease(lease)) throw new Error(lease.reason)
      tried.push(lease.endpoint)
      ids.push(lease.endpoint.id)
    }
    expect(ids.toSorted()).toEqual(['a', 'b', 'c'])
    expect(ids[2]).toBe('b')
    expect(isLease(balancer.tryAcquire({ tried }))).toBe(true)
  })

  test('where one is full, a request goes to another one that has a part of the traffic, and to no other', () => {
    const endpoints = [member('a'), member('b'), member('c', second), member('d', { priority: 2 })]
    for (let seed = 1; seed <= 20; seed++) {
      const balancer = createBalancer({ endpoints, clock: virtualClock({ seed }), limits: { perEndpoint: 1 } })
      balancer.eject('b')
      const ids = [leaseOf(balancer), leaseOf(balancer)].map(({ endpoint }) => endpoint.id)
      expect(ids.toSorted()).toEqual(['a', 'c'])
      expect(balancer.tryAcquire({ tried: [] })).toMatchObject({ reason: 'queue-full' })
      expect(balancer.explain({ tried: [] })).toMatchObject({ why: 'refused' })
    }
  })

  test('drained endpoints do not count as ill', async () => {
    const balancer = createBalancer({ endpoints: [member('a'), member('b'), member('c'), member('d', second)] })
    await balancer.drain('a')
    await balancer.drain('b')
    expect(counts(idsOf(balancer))).toEqual({ c: 1_000 })
    await balancer.drain('c')
    expect(counts(idsOf(balancer))).toEqual({ d: 1_000 })
  })

  test('below the threshold health is ignored', () => {
    const endpoints = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((id) => member(id))
    const make = (panicThreshold: number) => {
      const balancer = createBalancer({
        endpoints,
        panicThreshold,
        clock: virtualClock(),
        strategy: 'round-robin',
        ejection: { maxShare: 0.8 },
      })
      for (const id of 'abcde') failTimes(balancer, 5, id)
      return Object.keys(counts(idsOf(balancer)))
        .sort()
        .join('')
    }
    expect(make(0)).toBe('fg')
    expect(make(0.2)).toBe('fg')
    expect(make(0.5)).toBe('abcdefg')
  })

  test('each has a strategy of its own, and outcomes are told to it', () => {
    const { factory, told, made } = countingStrategy()
    const balancer = createBalancer({ endpoints: [member('a'), member('b', second)], strategy: factory })
    expect(made()).toBe(2)
    const lease = leaseOf(balancer, 'b')
    lease.answered({ kind: 'success', latencyMs: 1 })
    lease.release()
    expect([...told].map(([{ id }, times]) => `${id} ${times}`)).toEqual(['b 1'])
  })
})

describe('zones', () => {
  const zoned = (counts: Record<string, number>) =>
    Object.entries(counts).flatMap(([zone, count]) => Array.from({ length: count }, (_, at) => member(`${zone}${at}`, { zone })))
  const shareIn = (ids: readonly string[], zone: string) => ids.filter((id) => id.startsWith(zone)).length / ids.length

  test('requests stay in the own zone while that is fair', () => {
    const balancer = createBalancer({ endpoints: zoned({ a: 3, b: 3 }), zone: { local: 'a' }, clock: virtualClock() })
    expect(shareIn(idsOf(balancer), 'a')).toBe(1)
  })

  test('endpoints that name no zone are one of their own', () => {
    const endpoints = [...zoned({ a: 2, b: 2 }), member('x'), member('y'), member('z')]
    const balancer = createBalancer({ endpoints, zone: { local: 'a' }, clock: virtualClock(), strategy: 'round-robin' })
    const found = counts(idsOf(balancer, 7_000))
    // A third of the gateways are here, and two sevenths of the endpoints: one seventh goes where there is room.
    expect((found['x'] ?? 0) + (found['y'] ?? 0) + (found['z'] ?? 0)).toBeGreaterThan(840)
    expect(shareIn(idsOf(balancer, 7_000), 'a')).toBeCloseTo(6 / 7, 1)
  })

  test('what the own zone cannot take goes to others', () => {
    const balancer = createBalancer({ endpoints: zoned({ a: 2, b: 6 }), zone: { local: 'a' }, clock: virtualClock() })
    expect(shareIn(idsOf(balancer, 10_000), 'a')).toBeCloseTo(0.5, 1)
  })

  test('a request that was everywhere in the own zone goes to another one', () => {
    const balancer = createBalancer({ endpoints: zoned({ a: 3, b: 3 }), zone: { local: 'a' } })
    const tried = balancer.endpoints.filter(({ zone }) => zone === 'a')
    const lease = balancer.tryAcquire({ tried })
    expect(isLease(lease) && lease.endpoint.id).toMatch(/^b/)
  })

  test('zones are not told apart where few endpoints are left, and strategies keep what they know', () => {
    const { factory, made } = countingStrategy()
    const balancer = createBalancer({ endpoints: zoned({ a: 3, b: 3 }), zone: { local: 'a' }, strategy: factory })
    const before = made()
    failTimes(balancer, 5, 'a0')
    expect(shareIn(idsOf(balancer, 10), 'a')).toBe(1)
    expect(made()).toBe(before)
  })
})

describe('subsets', () => {
  const endpoints = [
    member('a', { metadata: { version: 'v1' } }),
    member('b', { metadata: { version: 'v2' } }),
    member('c', { metadata: { version: 'v2', canary: true } }),
  ]
  const byPath = ({ request }: { request: { url: { path: string } } }) =>
    request.url.path === '/' ? undefined : Object.fromEntries([request.url.path.slice(1).split('/')])

  test('a request goes where the metadata says what it wants', () => {
    const balancer = createBalancer({ endpoints, subset: byPath, strategy: 'round-robin' })
    expect(counts(idsOf(balancer, 10, '/version/v2'))).toEqual({ b: 5, c: 5 })
    expect(counts(idsOf(balancer, 10, '/version/v1'))).toEqual({ a: 10 })
    expect(Object.keys(counts(idsOf(balancer, 9)))).toEqual(['a', 'b', 'c'])
  })

  test.each([
    ['any', 3],
    ['none', 1],
  ] as const)('where nobody is like that, the fallback %s holds', (fallback, kinds) => {
    const balancer = createBalancer({ endpoints, subset: { match: byPath, fallback }, strategy: 'round-robin' })
    const found = counts(idsOf(balancer, 9, '/version/v3'))
    expect(Object.keys(found)).toHaveLength(kinds)
    expect(found['none-healthy']).toBe(fallback === 'none' ? 9 : undefined)
  })

  test('names of objects that everybody has match nobody', () => {
    const balancer = createBalancer({ endpoints, subset: { match: byPath, fallback: 'none' } })
    expect(counts(idsOf(balancer, 2, '/toString/x'))).toEqual({ 'none-healthy': 2 })
  })

  test('follows changes of membership', async () => {
    const balancer = createBalancer({ endpoints, subset: byPath })
    idsOf(balancer, 1, '/version/v2')
    balancer.add(member('d', { metadata: { version: 'v2' } }))
    await balancer.remove('b')
    expect(Object.keys(counts(idsOf(balancer, 50, '/version/v2'))).sort()).toEqual(['c', 'd'])
  })

  test('no more strategies are kept than for the subsets that were used last', () => {
    const { factory, made } = countingStrategy()
    const many = Array.from({ length: 10 }, (_, at) => member(`e${at}`, { metadata: { shard: `${at}` } }))
    const balancer = createBalancer({ endpoints: many, strategy: factory, subset: { match: byPath, max: 3 } })
    for (const shard of [0, 1, 2, 0, 1, 2]) expect(idsOf(balancer, 1, `/shard/${shard}`)).toEqual([`e${shard}`])
    expect(made()).toBe(4)
    idsOf(balancer, 1, '/shard/3')
    idsOf(balancer, 1, '/shard/2')
    expect(made()).toBe(5)
    idsOf(balancer, 1, '/shard/0')
    expect(made()).toBe(6)
    for (let shard = 100; shard < 200; shard++) idsOf(balancer, 1, `/shard/${shard}`)
    expect(made()).toBe(6)
  })
})

test('with an aperture a process uses its part of each priority', () => {
  const many = Array.from({ length: 40 }, (_, at) => member(`e${at}`, { priority: at % 2 }))
  const used = [0, 1, 2, 3].map((instance) => {
    const balancer = createBalancer({ endpoints: many, aperture: { size: 5, instance }, clock: virtualClock() })
    return Object.keys(counts(idsOf(balancer)))
  })
  expect(used.map((ids) => ids.length)).toEqual([5, 5, 5, 5])
  expect(new Set(used.flat()).size).toBe(20)
})
