import { createBalancer, type ManagedBalancer } from '@gatelet/balancer'
import { type EventMap, GatewayError, isLease, subscribe } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { attempt, failTimes, leaseOf, named, viewOf } from './fakes.ts'

const ids = (balancer: ManagedBalancer) => balancer.endpoints.map(({ id }) => id)

/** What is told of endpoints while a test runs: `added a`, `ejected b`. */
function told(): string[] {
  const lines: string[] = []
  const say = ({ change, endpoint }: EventMap['endpoint:changed']) => lines.push(`${change} ${endpoint.id}`)
  onTestFinished(subscribe('endpoint:changed', say))
  return lines
}

describe('endpoints', () => {
  test('are seen as they are', () => {
    const balancer = createBalancer({ endpoints: [{ ...named('a', 2), metadata: { zone: 'x' } }, named('b', 0)] })
    leaseOf(balancer)
    const [a, b] = balancer.endpoints
    expect(a).toMatchObject({ id: 'a', weight: 2, inflight: 1, metadata: { zone: 'x' }, state: 'active', consecutiveFailures: 0 })
    expect(b).toMatchObject({ weight: 0, inflight: 0, metadata: {}, state: 'draining', ejectedUntil: undefined })
  })

  test('cannot be changed from outside', () => {
    const balancer = createBalancer({ endpoints: [{ ...named('a'), metadata: { zone: 'x' } }] })
    const a = viewOf(balancer, 'a') as { weight: number; metadata: Record<string, unknown> }
    expect(() => Object.assign(a, { weight: 7 })).toThrow(TypeError)
    expect(() => Object.assign(a.metadata, { zone: 'y' })).toThrow(TypeError)
  })

  test('a snapshot that somebody holds stays as it was', () => {
    const balancer = createBalancer({ endpoints: [named('a')] })
    const before = balancer.endpoints
    balancer.add(named('b'))
    expect(before.map(({ id }) => id)).toEqual(['a'])
    expect(ids(balancer)).toEqual(['a', 'b'])
  })
})

describe('add', () => {
  test('takes any form of an endpoint and says how it is called', () => {
    const balancer = createBalancer({ endpoints: [] })
    expect(balancer.add('http://127.0.0.1:4001/').id).toBe('http://127.0.0.1:4001')
    expect(isLease(balancer.tryAcquire({ tried: [] }))).toBe(true)
  })

  test('refuses an id that is taken', () => {
    const balancer = createBalancer({ endpoints: ['http://127.0.0.1:4001'] })
    expect(() => balancer.add('http://127.0.0.1:4001/')).toThrow(/there is an endpoint with the id "http:\/\/127.0.0.1:4001"/)
  })
})

describe('remove', () => {
  test('gives no new pick, and waits for what is in flight', async () => {
    const clock = virtualClock()
    const balancer = createBalancer({ endpoints: [named('a'), named('b')], clock })
    const lease = leaseOf(balancer, 'a')
    const removed = balancer.remove('a')
    expect(ids(balancer)).toEqual(['b'])
    for (let pick = 0; pick < 50; pick++) expect(attempt(balancer, 'success')).toBe('b')
    lease.release()
    expect(await removed).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('stops waiting at the deadline and says so', async () => {
    const clock = virtualClock()
    const balancer = createBalancer({ endpoints: [named('a')], clock })
    leaseOf(balancer)
    const removed = balancer.remove('a', { deadlineMs: 100 })
    await clock.advance(100)
    expect(await removed).toBe(false)
  })

  test('does not count what a removed endpoint does against one that comes back under its id', async () => {
    const balancer = createBalancer({ endpoints: [named('a'), named('b')] })
    const old = leaseOf(balancer, 'a')
    failTimes(balancer, 4, 'a')
    await balancer.remove('a', { deadlineMs: 0 })
    const back = balancer.add(named('a'))
    old.answered({ kind: 'failure', latencyMs: 1 })
    old.release()
    expect(back).toMatchObject({ state: 'active', inflight: 0, consecutiveFailures: 0 })
  })
})

describe('drain', () => {
  test('takes no new requests and ends with the last one in flight', async () => {
    const clock = virtualClock()
    const balancer = createBalancer({ endpoints: [named('a'), named('b')], clock })
    const lease = leaseOf(balancer, 'a')
    const drained = balancer.drain('a')
    expect(viewOf(balancer, 'a').state).toBe('draining')
    for (let pick = 0; pick < 50; pick++) expect(attempt(balancer, 'success')).toBe('b')
    lease.release()
    expect(await drained).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('is over at once where nothing is in flight', async () => {
    expect(await createBalancer({ endpoints: [named('a')] }).drain('a')).toBe(true)
  })

  test('is told by each of several who wait', async () => {
    const clock = virtualClock()
    const balancer = createBalancer({ endpoints: [named('a')], clock })
    const lease = leaseOf(balancer)
    const waits = [balancer.drain('a'), balancer.drain('a', { deadlineMs: 10 }), balancer.drain('a')]
    await clock.advance(10)
    lease.release()
    expect(await Promise.all(waits)).toEqual([true, false, true])
  })
})

describe('setWeight', () => {
  test('brings a drained endpoint back', async () => {
    const balancer = createBalancer({ endpoints: [named('a')] })
    await balancer.drain('a')
    balancer.setWeight('a', 2)
    expect(viewOf(balancer, 'a')).toMatchObject({ state: 'active', weight: 2 })
    expect(attempt(balancer, 'success')).toBe('a')
  })

  test('is seen by the strategy at once', () => {
    const balancer = createBalancer({ endpoints: [named('a'), named('b')], strategy: 'round-robin' })
    balancer.setWeight('a', 3)
    expect(Array.from({ length: 8 }, () => attempt(balancer, 'success')).filter((id) => id === 'a')).toHaveLength(6)
  })
})

describe('replace', () => {
  test('keeps the figures of endpoints that stay', async () => {
    const balancer = createBalancer({ endpoints: [named('a'), named('b'), named('c')] })
    const lease = leaseOf(balancer, 'a')
    failTimes(balancer, 5, 'b')
    const [a, b] = balancer.endpoints
    await balancer.replace([named('b'), named('d'), { ...named('a'), metadata: { zone: 'z' } }])
    expect(ids(balancer)).toEqual(['b', 'd', 'a'])
    expect(viewOf(balancer, 'a')).toBe(a)
    expect(viewOf(balancer, 'b')).toBe(b)
    expect(viewOf(balancer, 'b').state).toBe('ejected')
    expect(viewOf(balancer, 'a')).toMatchObject({ inflight: 1, metadata: { zone: 'z' } })
    lease.release()
  })

  test('takes an endpoint with another target for another one, though it has the same id', async () => {
    const balancer = createBalancer({ endpoints: [named('a')] })
    const before = viewOf(balancer, 'a')
    await balancer.replace([{ id: 'a', url: 'http://elsewhere.test:80' }])
    expect(viewOf(balancer, 'a')).not.toBe(before)
    expect(leaseOf(balancer).target).toEqual({ origin: new URL('http://elsewhere.test:80') })
  })

  test('does not bring back by itself what was drained by hand', async () => {
    const balancer = createBalancer({ endpoints: [named('a'), named('b')] })
    await balancer.drain('a')
    await balancer.replace([named('a'), named('b'), named('c')])
    expect(viewOf(balancer, 'a').state).toBe('draining')
    await balancer.replace([named('a', 2), named('b')])
    expect(viewOf(balancer, 'a')).toMatchObject({ state: 'active', weight: 2 })
  })

  test('changes nothing when something in the list is wrong', async () => {
    const balancer = createBalancer({ endpoints: [named('a')] })
    await expect(balancer.replace([named('b'), { ...named('c'), weight: -1 }])).rejects.toThrow(/replace: endpoints\[1\]\.weight/)
    expect(ids(balancer)).toEqual(['a'])
  })

  test('waits for what left', async () => {
    const clock = virtualClock()
    const balancer = createBalancer({ endpoints: [named('a'), named('b')], clock })
    const lease = leaseOf(balancer, 'b')
    const replaced = balancer.replace([named('a')])
    lease.release()
    expect(await replaced).toBe(true)
    leaseOf(balancer, 'a')
    const emptied = balancer.replace([], { deadlineMs: 50 })
    await clock.advance(50)
    expect(await emptied).toBe(false)
  })
})

describe('endpoint:changed', () => {
  test('tells each change once, when it is already in place', async () => {
    const clock = virtualClock()
    const lines = told()
    const balancer = createBalancer({ endpoints: [named('a'), named('b'), named('c')], clock })
    balancer.setWeight('a', 2)
    balancer.setWeight('a', 2)
    await balancer.drain('a')
    await balancer.drain('a')
    balancer.setWeight('a', 1)
    await balancer.remove('c')
    failTimes(balancer, 5, 'b')
    await clock.advance(30_000)
    attempt(balancer, 'success', 'b')
    await balancer.replace([named('b', 4), named('d')])
    expect(lines).toEqual([
      ...['added a', 'added b', 'added c', 'weighted a', 'draining a', 'weighted a', 'removed c'],
      ...['ejected b', 'half-open b', 'readmitted b', 'removed a', 'added d', 'weighted b'],
    ])
  })

  test('names the balancer and the reason', () => {
    const events: EventMap['endpoint:changed'][] = []
    onTestFinished(subscribe('endpoint:changed', (event) => void events.push(event)))
    const balancer = createBalancer({ endpoints: [named('a'), named('b')], name: 'orders' })
    failTimes(balancer, 5, 'a')
    expect(events.map(({ balancer, change, reason }) => [balancer, change, reason])).toEqual([
      ['orders', 'added', undefined],
      ['orders', 'added', undefined],
      ['orders', 'ejected', '5 failures in a row'],
    ])
  })

  test('a listener may call back', async () => {
    const balancer = createBalancer({ endpoints: [named('a'), named('b')] })
    onTestFinished(
      subscribe('endpoint:changed', ({ change, endpoint }) => {
        if (change === 'ejected') void balancer.remove(endpoint.id)
      }),
    )
    failTimes(balancer, 5, 'a')
    expect(ids(balancer)).toEqual(['b'])
  })
})

test.each([
  ['remove', (id: string) => createBalancer({ endpoints: [named('a'), named('b')] }).remove(id)],
  ['drain', (id: string) => createBalancer({ endpoints: [named('a'), named('b')] }).drain(id)],
  ['setWeight', async (id: string) => createBalancer({ endpoints: [named('a'), named('b')] }).setWeight(id, 1)],
])('%s of an id that nobody has names those that are known', async (_name, act) => {
  const error = await act('http://a').catch((error: unknown) => error)
  expect(error).toBeInstanceOf(GatewayError)
  expect(error).toMatchObject({ code: 'BAD_OPTION', path: 'id', message: 'no endpoint has the id "http://a"; known are a, b' })
})
