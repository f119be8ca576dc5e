import { type EventMap, GatewayError, type Reply, subscribe, text } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { call, calls, exchange, type Origin, type OriginFarm, origins, virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Latencies } from '../src/latencies.ts'
import { ledger } from './support/ledger.ts'
import { trickle } from './support/trickle.ts'

const at = (farm: OriginFarm, index: number) => farm.servers[index] as Origin
const hedge = { afterMs: 50 }

/** A proxy whose first endpoint takes a request and says nothing, up to the moment when it was asked. */
async function slowFirst(
  endpoints: number,
  options: Parameters<typeof proxy>[1] = {},
  request: Parameters<typeof exchange>[0] = '/',
) {
  const farm = await origins(endpoints)
  at(farm, 0).fault = { kind: 'hang-before-headers' }
  const clock = virtualClock()
  const balancer = ledger(farm.urls)
  const asked = exchange(request)
  const answering = asked.ask(proxy(balancer, { clock, hedge, ...options }))
  await at(farm, 0).when(() => farm.hits === 1)
  return { farm, clock, balancer, asked, answering, [Symbol.asyncDispose]: () => farm[Symbol.asyncDispose]() }
}

describe('a hedge', () => {
  test('is asked when the first is slow; the first is stopped, counted as cancelled, and its lease comes back', async () => {
    await using slow = await slowFirst(2)
    await slow.clock.advance(49)
    expect(slow.farm.hits).toBe(1)
    await slow.clock.advance(1)
    const reply = await slow.answering
    expect(await reply.json()).toMatchObject({ id: 1 })
    expect(slow.balancer.kinds).toEqual(['cancelled', 'success'])
    expect(slow.balancer.open).toBe(0)
    await at(slow.farm, 0).when(() => at(slow.farm, 0).requests[0]?.aborted && at(slow.farm, 0).sockets === 0)
    expect(slow.clock.pending).toBe(0)
  })

  test('is not asked when the first is in time', async () => {
    await using farm = await origins(2)
    const clock = virtualClock()
    const handler = proxy(ledger(farm.urls), { clock, hedge })
    await calls(handler, 10)
    await clock.advance(1_000)
    expect(at(farm, 1).hits).toBe(0)
    await handler.close()
    expect(clock.pending).toBe(0)
  })

  test('loses against a first that answers after all, and is stopped', async () => {
    await using slow = await slowFirst(2)
    at(slow.farm, 1).fault = { kind: 'hang-before-headers' }
    await slow.clock.advance(50)
    await at(slow.farm, 1).when(() => at(slow.farm, 1).hits === 1)
    at(slow.farm, 0).release()
    expect(await (await slow.answering).json()).toMatchObject({ id: 0 })
    expect(slow.balancer.kinds).toEqual(['success', 'cancelled'])
    await at(slow.farm, 1).when(() => at(slow.farm, 1).requests[0]?.aborted)
    expect(slow.balancer.open).toBe(0)
  })

  test.each(['reset-before-headers', 'refuse', 'status'] as const)('that fails (%s) does not hurt the first', async (kind) => {
    await using slow = await slowFirst(2)
    at(slow.farm, 1).fault = kind === 'status' ? { kind, status: 503 } : { kind }
    await slow.clock.advance(50)
    await vi.waitFor(() => expect(slow.balancer.kinds).toHaveLength(1))
    at(slow.farm, 0).release()
    expect(await (await slow.answering).json()).toMatchObject({ id: 0 })
    expect(slow.balancer.kinds).toEqual(['success', 'failure'])
    expect(slow.balancer.open).toBe(0)
  })

  test('and the first that both fail are followed by a retry elsewhere', async () => {
    await using slow = await slowFirst(3)
    at(slow.farm, 1).fault = { kind: 'reset-before-headers' }
    await slow.clock.advance(50)
    await vi.waitFor(() => expect(slow.balancer.kinds).toHaveLength(1))
    await slow.farm.stop(0)
    expect(await (await slow.answering).json()).toMatchObject({ id: 2 })
    expect(slow.balancer.kinds).toEqual(['failure', 'failure', 'success'])
    expect(slow.balancer.open).toBe(0)
  })

  test('and another after it, up to as many as are allowed, each elsewhere', async () => {
    await using slow = await slowFirst(4, { hedge: { afterMs: 50, maxAttempts: 3 } })
    for (const origin of slow.farm.servers) origin.fault = { kind: 'hang-before-headers' }
    await slow.clock.advance(50)
    await at(slow.farm, 1).when(() => at(slow.farm, 1).hits === 1)
    await slow.clock.advance(5_000)
    await at(slow.farm, 2).when(() => at(slow.farm, 2).hits === 1)
    expect(at(slow.farm, 3).hits).toBe(0)
    slow.asked.abort()
    await slow.answering
    expect(slow.balancer.kinds).toEqual(['cancelled', 'cancelled', 'cancelled'])
    expect(slow.balancer.open).toBe(0)
    expect(slow.clock.pending).toBe(0)
  })

  test('is out of the budget of retries', async () => {
    await using slow = await slowFirst(2, { retries: { budget: { share: 0, perSecond: 0 } } })
    await slow.clock.advance(1_000)
    expect(slow.farm.hits).toBe(1)
    at(slow.farm, 0).release()
    expect((await slow.answering).status).toBe(200)
  })

  test('needs another endpoint', async () => {
    await using slow = await slowFirst(1)
    await slow.clock.advance(1_000)
    expect(slow.farm.hits).toBe(1)
    at(slow.farm, 0).release()
    expect((await slow.answering).status).toBe(200)
    expect(slow.balancer.open).toBe(0)
  })

  test('sends a small body again', async () => {
    await using slow = await slowFirst(2, {}, { method: 'PUT', body: 'hello' })
    await slow.clock.advance(50)
    expect((await slow.answering).status).toBe(200)
    expect(at(slow.farm, 1).requests[0]?.body.toString()).toBe('hello')
  })

  test('is not for a POST, nor for an upload', async () => {
    await using post = await slowFirst(2, {}, { method: 'POST', body: 'hello' })
    const upload = trickle()
    upload.push('hello')
    await using put = await slowFirst(2, {}, { method: 'PUT', body: upload.body })
    await post.clock.advance(1_000)
    await put.clock.advance(1_000)
    expect([post.farm.hits, put.farm.hits]).toEqual([1, 1])
    at(post.farm, 0).release()
    upload.end()
    at(put.farm, 0).release()
    expect([(await post.answering).status, (await put.answering).status]).toEqual([200, 200])
  })

  test('that answered badly is stopped with the first, when the client leaves', async () => {
    await using slow = await slowFirst(2)
    at(slow.farm, 1).handler = (_, res) => void res.writeHead(503).write('never ends')
    await slow.clock.advance(50)
    await vi.waitFor(() => expect(slow.balancer.kinds).toHaveLength(1))
    slow.asked.abort()
    await slow.answering
    expect(slow.balancer.kinds).toEqual(['cancelled', 'failure'])
    expect(slow.balancer.open).toBe(0)
    await at(slow.farm, 1).when(() => at(slow.farm, 1).sockets === 0)
  })

  test('for which the balancer takes its time holds nobody up, and its lease comes back', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'hang-before-headers' }
    const clock = virtualClock()
    let give = () => {}
    const gate = new Promise<void>((resolve) => {
      give = resolve
    })
    const given = ledger(farm.urls)
    let asks = 0
    const acquire = (ask: Parameters<typeof given.acquire>[0]) =>
      ++asks % 2 === 1 ? given.acquire(ask) : gate.then(() => given.acquire(ask))
    const handler = proxy({ acquire, close: () => Promise.resolve() }, { clock, hedge })
    const asked = exchange('/')
    const answering = asked.ask(handler)
    await at(farm, 0).when(() => farm.hits === 1)
    await clock.advance(50)
    asked.abort()
    await answering
    give()
    await vi.waitFor(() => expect(given.entries).toHaveLength(2))
    await vi.waitFor(() => expect(given.open).toBe(0))
    expect(at(farm, 1).hits).toBe(0)
  })

  test('leaves functions of this process, and a balancer that fails, alone', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { kind: 'hang-before-headers' }
    const clock = virtualClock()
    const given = ledger([...farm.urls, { handler: (): Reply => text('no') }])
    let asked = 0
    const balancer = {
      ...given,
      acquire: (ask: Parameters<typeof given.acquire>[0]) => {
        if (++asked === 4) throw new GatewayError('INTERNAL')
        return given.acquire(ask)
      },
    }
    const handler = proxy(balancer, { clock, hedge })
    for (const hits of [1, 2]) {
      const answering = call(handler, '/')
      await at(farm, 0).when(() => farm.hits === hits)
      await clock.advance(50)
      at(farm, 0).release()
      expect((await answering).status).toBe(200)
    }
    expect(given.open).toBe(0)
  })
})

describe('by percentile', () => {
  test('nothing is hedged before a hundred are known; then what is slower than that share', async () => {
    await using farm = await origins(2)
    const clock = virtualClock()
    at(farm, 0).fault = { kind: 'hang-before-headers' }
    const handler = proxy(ledger(farm.urls), { clock, hedge: { percentile: 0.9 } })
    for (let i = 1; i <= 100; i++) {
      const answering = call(handler, '/')
      await at(farm, 0).when(() => at(farm, 0).hits === i)
      await clock.advance(i)
      at(farm, 0).release()
      await (await answering).bytes()
    }
    expect(at(farm, 1).hits).toBe(0)
    const answering = call(handler, '/')
    await at(farm, 0).when(() => at(farm, 0).hits === 101)
    await clock.advance(90)
    expect(at(farm, 1).hits).toBe(0)
    await clock.advance(1)
    expect(await (await answering).json()).toMatchObject({ id: 1 })
  })

  test('the last thousand count', () => {
    const latencies = new Latencies()
    for (let i = 0; i < 99; i++) latencies.add(5)
    expect(latencies.percentile(0.5)).toBe(undefined)
    for (let i = 0; i < 901; i++) latencies.add(5)
    for (let i = 0; i < 1_000; i++) latencies.add(i)
    expect([latencies.percentile(0.5), latencies.percentile(0.95), latencies.percentile(0.999)]).toEqual([500, 950, 999])
  })
})

test('events tell which attempt was a hedge, and where each was made', async () => {
  const told: EventMap['upstream:attempted'][] = []
  const undo = subscribe('upstream:attempted', (event) => void told.push(event))
  onTestFinished(undo)
  await using slow = await slowFirst(2)
  await slow.clock.advance(50)
  await slow.answering
  expect(told.map(({ attempt, isHedge, origin }) => [attempt, isHedge, origin?.origin])).toEqual([
    [1, true, slow.farm.urls[1]],
    [0, false, slow.farm.urls[0]],
  ])
})
