import { createBalancer } from '@gatelet/balancer'
import { type Endpoint, isLease, type Outcome, type Strategy, type StrategyFactory } from '@gatelet/core'
import { exchange, virtualClock } from '@gatelet/testing'
import { describe, expect, test, vi } from 'vitest'
import { attempt, counts, failTimes, leaseOf, named } from './fakes.ts'

const abc = [named('a'), named('b'), named('c')]

/** The warnings while a test runs; they are kept from the screen. */
const warnings = () => vi.spyOn(process, 'emitWarning').mockImplementation(() => {})

const strategy =
  (parts: Partial<Strategy>): StrategyFactory =>
  () => ({ update() {}, pick: () => undefined, ...parts })

// Picks the first acceptable endpoint, with its context taken apart.
const firstAccepted = (seen: (ids: string) => void = () => {}): Strategy => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
      seen(snapshot.map(({ id }) => id).join(''))
    },
    pick: ({ accepts }) => endpoints.find((endpoint) => accepts(endpoint)),
  }
}

const stranger: Endpoint = { id: 'a', weight: 1, inflight: 0, metadata: {} }

describe.each<[what: string, factory: StrategyFactory, warning: RegExp]>([
  [
    'throws',
    strategy({
      pick: () => {
        throw new Error('boom')
      },
    }),
    /threw when it was to pick: Error: boom/,
  ],
  ['picks nothing', strategy({ pick: () => undefined }), /did not pick an endpoint that may be picked/],
  ['picks null', strategy({ pick: () => null as never }), /did not pick/],
  ['picks what is no endpoint of the balancer', strategy({ pick: () => stranger }), /did not pick/],
  ['throws when it is told of endpoints', flaky(), /threw when it was given new endpoints: Error: no more/],
])('a strategy that %s', (_what, factory, warning) => {
  test('does not break a request: the least busy endpoint is picked, with one warning', () => {
    const warned = warnings()
    const balancer = createBalancer({ endpoints: abc, strategy: factory, name: 'orders' })
    balancer.setWeight('c', 2)
    balancer.setWeight('c', 1)
    const ids = Array.from({ length: 9 }, () => leaseOf(balancer).endpoint.id)
    expect(counts(ids)).toEqual({ a: 3, b: 3, c: 3 })
    expect(warned.mock.calls).toEqual([[expect.stringMatching(warning), 'GateletWarning']])
    expect(warned.mock.calls[0]?.[0]).toMatch(/^the strategy of the balancer "orders" /)
  })
})

// Takes the first list, and no other; never picks.
function flaky(): StrategyFactory {
  return () => {
    let isNew = true
    return {
      update() {
        if (!isNew) throw new Error('no more')
        isNew = false
      },
      pick: () => undefined,
    }
  }
}

test('a strategy that holds on to a removed endpoint does not get it', async () => {
  const warned = warnings()
  let first: Endpoint | undefined
  const update = (endpoints: readonly Endpoint[]) => {
    first ??= endpoints[0]
  }
  const balancer = createBalancer({ endpoints: abc, strategy: strategy({ update, pick: () => first }) })
  expect(attempt(balancer, 'success')).toBe('a')
  await balancer.remove('a')
  expect(['b', 'c']).toContain(attempt(balancer, 'success'))
  expect(warned).toHaveBeenCalledTimes(1)
})

test('a strategy is told of each lease exactly once, with what became of it', () => {
  const reports: [string, Outcome['kind']][] = []
  let endpoints: readonly Endpoint[] = []
  const balancer = createBalancer({
    endpoints: [named('a')],
    strategy: strategy({
      update: (snapshot) => {
        endpoints = snapshot
      },
      pick: () => endpoints[0],
      report: (endpoint, { kind }) => void reports.push([endpoint.id, kind]),
    }),
  })
  attempt(balancer, 'success')
  attempt(balancer, 'failure')
  leaseOf(balancer).release()
  const lease = leaseOf(balancer)
  lease.answered({ kind: 'success', latencyMs: 1 })
  lease.answered({ kind: 'failure', latencyMs: 1 })
  lease.release()
  lease.release()
  expect(reports).toEqual([
    ['a', 'success'],
    ['a', 'failure'],
    ['a', 'cancelled'],
    ['a', 'success'],
  ])
})

test('a strategy that throws when it is told of an outcome does not keep the lease', () => {
  const warned = warnings()
  const report = () => {
    throw new Error('no ears')
  }
  const balancer = createBalancer({ endpoints: [named('a')], strategy: () => ({ ...firstAccepted(), report }) })
  attempt(balancer, 'success')
  leaseOf(balancer).release()
  expect(balancer.endpoints[0]?.inflight).toBe(0)
  expect(warned.mock.calls).toEqual([
    [expect.stringMatching(/threw when it was told of an outcome: Error: no ears/), 'GateletWarning'],
  ])
})

test('a strategy may sort the list that it is given', () => {
  const balancer = createBalancer({
    endpoints: abc,
    strategy: strategy({ update: (endpoints) => void (endpoints as Endpoint[]).reverse() }),
  })
  expect(balancer.endpoints.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
})

test('a strategy sees who is ejected, and who is back, before its next pick', async () => {
  const warned = warnings()
  const clock = virtualClock()
  const seen: string[] = []
  const balancer = createBalancer({ endpoints: abc, strategy: () => firstAccepted((ids) => seen.push(ids)), clock })
  failTimes(balancer, 5, 'b')
  expect(seen).toEqual(['abc', 'ac'])
  await clock.advance(30_000)
  leaseOf(balancer)
  expect(seen).toEqual(['abc', 'ac', 'abc'])
  expect(warned).not.toHaveBeenCalled()
})

test('a hash key that asks its own balancer disturbs neither pick', () => {
  const warned = warnings()
  const { ctx } = exchange('/')
  const picked: string[] = []
  const keys: (string | undefined)[] = []
  const balancer = createBalancer({
    endpoints: abc,
    hashKey: () => {
      picked.push(leaseOf(balancer, 'c').endpoint.id)
      return 'key'
    },
    strategy: () => {
      const inner = firstAccepted()
      return {
        update: (endpoints) => inner.update(endpoints),
        pick(context) {
          keys.push(context.hashKey)
          return inner.pick(context)
        },
      }
    },
  })
  const outer = balancer.tryAcquire({ tried: balancer.endpoints.slice(0, 1), context: ctx })
  expect(picked).toEqual(['c'])
  expect(keys).toEqual([undefined, 'key'])
  expect(isLease(outer) && outer.endpoint.id).toBe('b')
  expect(warned).not.toHaveBeenCalled()
})

test('a hash key that throws is warned of, and the request goes to the least busy endpoint', () => {
  const warned = warnings()
  const hashKey = () => {
    throw new Error('no cart')
  }
  const pick: Strategy['pick'] = (context) => void context.hashKey
  const balancer = createBalancer({ endpoints: abc, hashKey, strategy: strategy({ pick }) })
  expect(isLease(balancer.tryAcquire({ tried: [], context: exchange('/').ctx }))).toBe(true)
  expect(warned.mock.calls).toEqual([[expect.stringMatching(/Error: no cart/), 'GateletWarning']])
})

test('checks do not go on where a strategy that does not take the endpoints stops the start', async () => {
  const clock = virtualClock()
  let checks = 0
  const health = () => ++checks > 0
  const strategy: StrategyFactory = () => ({
    update() {
      throw new Error('too many')
    },
    pick: () => undefined,
  })
  expect(() => createBalancer({ endpoints: [named('a')], strategy, health, clock })).toThrow('too many')
  await clock.advance(60_000)
  expect([checks, clock.pending]).toEqual([0, 0])
})

test('a factory that makes no strategy stops the start, and so does one that throws', () => {
  const unlucky = () => {
    throw new Error('unlucky')
  }
  const start = (strategy: unknown) => () => createBalancer({ endpoints: abc, strategy: strategy as StrategyFactory })
  expect(start(() => ({ pick() {} }))).toThrow(/strategy must be a factory whose strategies have update and pick/)
  expect(start(() => undefined)).toThrow(/strategy must be a factory/)
  expect(start(unlucky)).toThrow('unlucky')
  expect(start(() => ({ update: unlucky, pick() {} }))).toThrow('unlucky')
})
