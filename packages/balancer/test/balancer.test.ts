import { createBalancer } from '@gatelet/balancer'
import { isLease, text } from '@gatelet/core'
import { exchange, seededRandom, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { attempt, counts, leaseOf, named, viewOf } from './fakes.ts'

const none = { tried: [] }

describe('acquire', () => {
  test('leases an endpoint at once and says where it is', () => {
    const balancer = createBalancer({ endpoints: [{ url: 'http://10.0.0.1:4001/v1', socketPath: '/run/a.sock' }] })
    const lease = balancer.tryAcquire(none)
    expect(isLease(lease) && lease.target).toEqual({ origin: new URL('http://10.0.0.1:4001/v1'), socketPath: '/run/a.sock' })
    expect(isLease(lease) && lease.endpoint.id).toBe('http://10.0.0.1:4001/v1')
  })

  test('leases a function in this process', () => {
    const handler = () => text('here')
    const balancer = createBalancer({ endpoints: [{ handler, id: 'fallback' }] })
    expect(leaseOf(balancer).target).toEqual({ handler })
  })

  test('counts a lease in the same tick, so that the next pick sees it', () => {
    const balancer = createBalancer({ endpoints: [named('a'), named('b')] })
    const first = leaseOf(balancer)
    const second = leaseOf(balancer)
    expect(first.endpoint.inflight).toBe(1)
    expect(second.endpoint).not.toBe(first.endpoint)
  })

  test('refuses when no endpoint has a weight', () => {
    expect(createBalancer({ endpoints: [] }).tryAcquire(none)).toEqual({ reason: 'none-healthy' })
    expect(createBalancer({ endpoints: [named('a', 0)] }).tryAcquire(none)).toEqual({ reason: 'none-healthy' })
  })

  test('passes over the endpoints that were tried while another is left', () => {
    const balancer = createBalancer({ endpoints: [named('a'), named('b'), named('c')] })
    for (let request = 0; request < 20; request++) {
      const tried = [leaseOf(balancer).endpoint]
      for (let retry = 0; retry < 2; retry++) {
        const lease = balancer.tryAcquire({ tried })
        if (isLease(lease)) tried.push(lease.endpoint)
      }
      expect(new Set(tried).size).toBe(3)
    }
  })

  test('picks a tried endpoint again when no other is left', () => {
    const balancer = createBalancer({ endpoints: [named('a'), named('b')] })
    const again = balancer.tryAcquire({ tried: balancer.endpoints })
    expect(isLease(again)).toBe(true)
  })

  test('two balancers do not take each other’s endpoints for tried', () => {
    const one = createBalancer({ endpoints: [named('a')] })
    const other = createBalancer({ endpoints: [named('a')] })
    expect(isLease(one.tryAcquire({ tried: other.endpoints }))).toBe(true)
  })

  test('follows the weights with each strategy', () => {
    for (const strategy of ['round-robin', 'random'] as const) {
      const clock = virtualClock()
      const balancer = createBalancer({ endpoints: [named('a', 3), named('b', 1)], strategy, clock })
      const found = counts(Array.from({ length: 4000 }, () => attempt(balancer, 'success')))
      expect(Math.abs((found['a'] ?? 0) - 3000)).toBeLessThan(140)
    }
  })

  test('keeps requests in flight in proportion to the weights by default', () => {
    const balancer = createBalancer({ endpoints: [named('a', 3), named('b', 1)], clock: virtualClock() })
    for (let request = 0; request < 400; request++) leaseOf(balancer)
    expect(Math.abs(viewOf(balancer, 'a').inflight - 300)).toBeLessThanOrEqual(2)
  })

  test('picks the same with the same clock and the same calls', () => {
    const run = () => {
      const balancer = createBalancer({
        endpoints: [named('a'), named('b'), named('c')],
        clock: virtualClock({ seed: 5 }),
      })
      return Array.from({ length: 200 }, () => leaseOf(balancer).endpoint.id)
    }
    expect(run()).toEqual(run())
  })
})

describe('hashKey', () => {
  const balancerThatReads = (times: number, keys: (string | undefined)[], asked: string[]) =>
    createBalancer({
      endpoints: [named('a')],
      hashKey: (ctx) => {
        asked.push(ctx.request.url.path)
        return ctx.request.url.path
      },
      strategy: () => {
        let endpoints: readonly never[] = []
        return {
          update: (snapshot) => {
            endpoints = snapshot as readonly never[]
          },
          pick(context) {
            for (let read = 0; read < times; read++) keys.push(context.hashKey)
            return endpoints[0]
          },
        }
      },
    })

  test('is asked once for a pick, however often the strategy reads it', () => {
    const [keys, asked]: [(string | undefined)[], string[]] = [[], []]
    const balancer = balancerThatReads(3, keys, asked)
    balancer.tryAcquire({ tried: [], context: exchange('/carts/7').ctx })
    expect(keys).toEqual(['/carts/7', '/carts/7', '/carts/7'])
    expect(asked).toEqual(['/carts/7'])
  })

  test('is not asked when the strategy does not read it', () => {
    const asked: string[] = []
    balancerThatReads(0, [], asked).tryAcquire({ tried: [], context: exchange('/').ctx })
    expect(asked).toEqual([])
  })

  test('gives way to a key of the ask itself', () => {
    const [keys, asked]: [(string | undefined)[], string[]] = [[], []]
    balancerThatReads(2, keys, asked).tryAcquire({ tried: [], hashKey: 'mine', context: exchange('/').ctx })
    expect(keys).toEqual(['mine', 'mine'])
    expect(asked).toEqual([])
  })

  test('is undefined for a call without a request', () => {
    const keys: (string | undefined)[] = []
    balancerThatReads(2, keys, []).tryAcquire(none)
    expect(keys).toEqual([undefined, undefined])
  })
})

describe('close', () => {
  test('refuses from now on and waits for what is in flight', async () => {
    const clock = virtualClock()
    const balancer = createBalancer({ endpoints: [named('a')], clock })
    const lease = leaseOf(balancer)
    let isClosed = false
    const closing = balancer.close().then(() => {
      isClosed = true
    })
    expect(balancer.tryAcquire(none)).toEqual({ reason: 'draining' })
    await clock.advance(29_000)
    expect(isClosed).toBe(false)
    lease.release()
    await closing
    expect(clock.pending).toBe(0)
  })

  test('waits for requests of endpoints that were removed before', async () => {
    const clock = virtualClock()
    const balancer = createBalancer({ endpoints: [named('a')], clock })
    const lease = leaseOf(balancer)
    const removing = balancer.remove('a')
    const closing = balancer.close()
    lease.release()
    expect(await removing).toBe(true)
    await closing
    expect(clock.pending).toBe(0)
  })

  test('stops waiting after drainMs, and a late release does no harm', async () => {
    const clock = virtualClock()
    const balancer = createBalancer({ endpoints: [named('a')], clock, drainMs: 5_000 })
    const lease = leaseOf(balancer)
    const closing = balancer.close()
    await clock.advance(5_000)
    await closing
    lease.release()
    expect(lease.endpoint.inflight).toBe(0)
  })

  test('is one promise, however often it is asked for', () => {
    const balancer = createBalancer({ endpoints: [named('a')] })
    expect(balancer.close()).toBe(balancer.close())
  })
})

test('10,000 attempts that end in every way leave nothing in flight', async () => {
  const random = seededRandom(17)
  const clock = virtualClock()
  const balancer = createBalancer({ endpoints: ['a', 'b', 'c', 'd'].map((id) => named(id)), clock, drainMs: 60_000 })
  const open = new Set<ReturnType<typeof leaseOf>>()
  const seen = new Set<ReturnType<typeof leaseOf>['endpoint']>()
  const waits: Promise<unknown>[] = []
  const total = () => [...seen].reduce((sum, { inflight }) => sum + inflight, 0)

  // Answers, in any order and number, then the one end.
  const end = (lease: ReturnType<typeof leaseOf>) => {
    for (let answer = Math.floor(random() * 3); answer > 0; answer--) {
      lease.answered({
        kind: (['success', 'failure', 'cancelled'] as const)[Math.floor(random() * 3)] ?? 'success',
        latencyMs: 1,
      })
    }
    for (let release = 0; release <= Math.floor(random() * 3); release++) lease.release()
    if (random() < 0.3) lease.answered({ kind: 'failure', latencyMs: 1 })
    open.delete(lease)
  }

  for (let step = 0; step < 10_000; step++) {
    const answer = balancer.tryAcquire({ tried: random() < 0.2 ? [...seen].slice(0, 2) : [] })
    if (isLease(answer)) {
      open.add(answer)
      seen.add(answer.endpoint)
    }
    for (const lease of open) if (random() < 0.2) end(lease)
    const chance = random()
    if (chance < 0.01) waits.push(balancer.replace(['a', 'b', 'c', 'd'].slice(Math.floor(random() * 3)).map((id) => named(id))))
    else if (chance < 0.02) balancer.setWeight('d', Math.floor(random() * 3))
    else if (chance < 0.03) waits.push(balancer.drain('d'))
    else if (chance < 0.04) await clock.advance(random() * 50_000)
    expect(total()).toBe(open.size)
  }
  for (const lease of open) end(lease)
  expect(total()).toBe(0)
  await balancer.close()
  await Promise.all(waits)
  expect(clock.pending).toBe(0)
})
