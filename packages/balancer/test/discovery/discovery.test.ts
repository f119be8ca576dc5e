import { type BalancerOptions, createBalancer, type DiscoveryObserver, type DiscoverySource } from '@gatelet/balancer'
import { type EventMap, subscribe } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { leaseOf } from '../fakes.ts'

let warnings: string[] = []
beforeEach(() => {
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(String(warning)))
})
afterEach(() => vi.restoreAllMocks())

/** A balancer whose source says what a test says. */
function scene(more: Partial<BalancerOptions> = {}) {
  const clock = virtualClock()
  const ended = vi.fn()
  let observer: DiscoveryObserver | undefined
  const source: DiscoverySource = {
    name: 'test',
    watch(given) {
      observer = given
      return ended
    },
  }
  const balancer = createBalancer({ endpoints: source, clock, ...more })
  const ids = () => balancer.endpoints.map(({ id }) => id)
  return { balancer, clock, ended, ids, source: observer as DiscoveryObserver }
}

const list = (...hosts: string[]) => hosts.map((host) => `http://${host}`)

test('refuses until the first list has come, which ready() waits for', async () => {
  const { balancer, source, ids } = scene()
  expect(balancer.tryAcquire({ tried: [] })).toEqual({ reason: 'none-healthy' })
  expect(balancer.discovery).toMatchObject({ source: 'test', state: 'waiting' })
  let isReady = false
  const ready = balancer.ready().then(() => {
    isReady = true
  })
  await new Promise(setImmediate)
  expect(isReady).toBe(false)
  source.found(list('a', 'b'))
  await ready
  expect(ids()).toEqual(list('a', 'b'))
  expect(balancer.discovery).toMatchObject({ state: 'current', skipped: 0, lastError: undefined })
})

test('has nothing to wait for, and no status, with a list', async () => {
  const balancer = createBalancer({ endpoints: list('a') })
  await balancer.ready()
  expect(balancer.discovery).toBeUndefined()
})

test('takes whole lists out of an async iterable', async () => {
  async function* lists() {
    yield list('a', 'b')
  }
  const balancer = createBalancer({ endpoints: lists() })
  await balancer.ready()
  expect(balancer.endpoints).toHaveLength(2)
  await balancer.close()
})

test('endpoints that stay keep their figures; one that goes ends what it has in flight', async () => {
  const { balancer, source, clock, ids } = scene()
  source.found(list('a', 'b'))
  const kept = balancer.endpoints[0]
  const leaseA = leaseOf(balancer, 'http://a')
  const leaseB = leaseOf(balancer, 'http://b')
  await clock.advance(100)
  source.found(list('c', 'a'))
  expect(ids()).toEqual(list('c', 'a'))
  expect(balancer.endpoints[1]).toBe(kept)
  expect(kept?.inflight).toBe(1)
  expect(leaseB.endpoint.inflight).toBe(1)
  leaseA.release()
  leaseB.release()
  expect(leaseB.endpoint.inflight).toBe(0)
})

describe('a failure', () => {
  test('keeps the last list and says so, until a list comes again', async () => {
    const failed: EventMap['discovery:failed'][] = []
    const undo = subscribe('discovery:failed', (event) => failed.push(event))
    const { balancer, source, clock, ids } = scene({ name: 'orders' })
    source.found(list('a'))
    await clock.advance(1_000)
    const cause = new Error('no route')
    source.failed(cause)
    await clock.advance(1_000)
    source.failed('again')
    undo()
    expect(ids()).toEqual(list('a'))
    expect(failed).toMatchObject([
      { source: 'test', balancer: 'orders', error: { code: 'DISCOVERY_FAILED', cause, message: 'test: no route' } },
      {},
    ])
    const start = Date.UTC(2026, 0, 1)
    expect(balancer.discovery).toMatchObject({
      state: 'stale',
      lastSuccess: start,
      staleSince: start + 1_000,
      lastError: { message: 'test: again' },
    })
    source.found(list('a'))
    expect(balancer.discovery).toMatchObject({ state: 'current', lastSuccess: start + 2_000, staleSince: undefined })
  })

  test('is warned of once a minute', async () => {
    const { source, clock } = scene()
    source.failed('x')
    source.failed('y')
    await clock.advance(60_000)
    source.failed('z')
    expect(warnings).toEqual(
      ['x', 'z'].map((what) => `the discovery source test failed: ${what}; the endpoints that were found last stay`),
    )
  })

  test.each([[undefined], [null], [7], [Object.create(null)], [Symbol('x')]])('may be %s', (reason) => {
    const { balancer, source } = scene()
    source.failed(reason)
    expect(balancer.discovery?.lastError?.code).toBe('DISCOVERY_FAILED')
  })

  test('to begin is one like the others', () => {
    const endpoints: DiscoverySource = {
      name: 'broken',
      watch() {
        throw new Error('at once')
      },
    }
    expect(createBalancer({ endpoints }).discovery).toMatchObject({ state: 'waiting', lastError: { message: 'broken: at once' } })
  })
})

describe('an empty list', () => {
  test('keeps those that are there, unless it is to be accepted', async () => {
    for (const [onEmpty, ids, state] of [
      ['keep', list('a'), 'stale'],
      ['accept', [], 'current'],
    ] as const) {
      const at = scene({ discovery: { onEmpty } })
      at.source.found(list('a'))
      await at.clock.advance(100)
      at.source.found([])
      expect(at.ids()).toEqual(ids)
      expect(at.balancer.discovery?.state).toBe(state)
    }
  })

  test('that is the first is taken as it is', async () => {
    const { balancer, source } = scene()
    source.found([])
    await balancer.ready()
    expect(balancer.discovery?.state).toBe('current')
  })
})

describe('entries that are not right', () => {
  const trap = {
    get url() {
      throw new Error('trap')
    },
  }

  test('are passed over with a warning', () => {
    const { balancer, source, ids } = scene()
    source.found([
      'http://a',
      'ftp://b',
      null,
      { url: 'http://c', weight: -1 },
      trap,
      'http://a',
      JSON.parse('{"url":"http://d","metadata":{"__proto__":1}}'),
    ] as never)
    expect(ids()).toEqual(list('a'))
    expect(balancer.discovery?.skipped).toBe(6)
    expect(warnings).toEqual([
      expect.stringMatching(/^the discovery source test found 6 endpoints that are passed over: endpoints\[1\] must be/),
    ])
  })

  test.each([['nothing else'], [undefined], [{ length: 3 }], [[null, 7]]])('alone (%j) are a failure', (found) => {
    const { balancer, source, ids } = scene()
    source.found(list('a'))
    source.found(found as never)
    expect(ids()).toEqual(list('a'))
    expect(balancer.discovery?.state).toBe('stale')
  })
})

test('takes maxEndpoints at most, and those that are there already before others', async () => {
  const { balancer, source, clock, ids } = scene({ discovery: { maxEndpoints: 2 } })
  source.found(list('a', 'b', 'c'))
  expect(ids()).toEqual(list('a', 'b'))
  await clock.advance(100)
  source.found(list('d', 'c', 'b'))
  expect(ids()).toEqual(list('b', 'd'))
  expect(balancer.discovery?.skipped).toBe(1)
})

test('takes the first list at once, later ones together: the last counts', async () => {
  const updates: number[] = []
  const undo = subscribe('discovery:updated', ({ endpoints }) => updates.push(endpoints))
  const { source, clock, ids } = scene({ discovery: { coalesceMs: 500 } })
  source.found(list('a'))
  source.found(list('b'))
  source.found(list('c', 'd'))
  expect(ids()).toEqual(list('a'))
  await clock.advance(499)
  expect(ids()).toEqual(list('a'))
  await clock.advance(1)
  undo()
  expect(ids()).toEqual(list('c', 'd'))
  expect(updates).toEqual([1, 2])
})

test('a list that says the same changes nothing, so what was done by hand holds', async () => {
  const { balancer, source, clock, ids } = scene()
  source.found(list('a'))
  balancer.add('http://b')
  await clock.advance(100)
  source.found(list('a'))
  expect(ids()).toEqual(list('a', 'b'))
  source.found(list('a', 'c'))
  expect(ids()).toEqual(list('a', 'c'))
})

test('ends with the balancer: ready() resolves, the source is ended once, later lists count for nothing', async () => {
  const { balancer, source, ended, clock, ids } = scene()
  const ready = balancer.ready()
  await balancer.close()
  await balancer.close()
  await ready
  source.found(list('a'))
  source.failed('x')
  expect(ended).toHaveBeenCalledTimes(1)
  expect(ids()).toEqual([])
  expect(balancer.discovery?.lastError).toBeUndefined()
  expect(clock.pending).toBe(0)
})

test.each<[string, unknown, string[]]>([
  ['nothing', undefined, []],
  [
    'what throws',
    () => {
      throw new Error('end')
    },
    ['the discovery source odd could not be closed: end'],
  ],
])('survives a source whose end is %s', async (_, end, warned) => {
  const balancer = createBalancer({ endpoints: { name: 'odd', watch: () => end as () => void } })
  await balancer.close()
  expect(warnings).toEqual(warned)
})
