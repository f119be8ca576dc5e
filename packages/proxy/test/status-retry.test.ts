import { withAttemptMs } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { call, calls, exchange, type Origin, type OriginFarm, origins, virtualClock } from '@gatelet/testing'
import { describe, expect, test, vi } from 'vitest'
import { ledger } from './support/ledger.ts'
import { trickle } from './support/trickle.ts'

const at = (farm: OriginFarm, index: number) => farm.servers[index] as Origin
const retries = { statuses: [502, 503, 504] }
const busy = { kind: 'status', status: 503, body: 'busy' } as const

describe('a status that is to be asked again', () => {
  test.each(['GET', 'HEAD', 'PUT', 'DELETE'])('sends a %s elsewhere', async (method) => {
    await using farm = await origins(2)
    at(farm, 0).fault = busy
    const balancer = ledger(farm.urls)
    const reply = await call(proxy(balancer, { retries }), { method, ...(method === 'PUT' ? { body: 'hello' } : {}) })
    expect(reply.status).toBe(200)
    expect(balancer.kinds).toEqual(['failure', 'success'])
    await reply.bytes()
    expect(balancer.open).toBe(0)
    if (method === 'PUT') expect(at(farm, 1).requests[0]?.body.toString()).toBe('hello')
  })

  test.each(['POST', 'PATCH'])('is an answer to a %s', async (method) => {
    await using farm = await origins(2)
    at(farm, 0).fault = busy
    const reply = await call(proxy(ledger(farm.urls), { retries }), { method, body: 'hello' })
    expect([reply.status, await reply.text()]).toEqual([503, 'busy'])
    expect(at(farm, 1).hits).toBe(0)
  })

  test('sends an upload again that was sent as it came, where it is small', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = busy
    const upload = trickle()
    const answering = call(proxy(ledger(farm.urls), { retries }), { method: 'PUT', body: upload.body })
    upload.push('hello')
    upload.end()
    expect((await answering).status).toBe(200)
    expect(at(farm, 1).requests[0]?.bodyBytes).toBe(5)
  })

  test('is an answer to an upload of more than 64 KiB', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = busy
    const upload = trickle()
    const answering = call(proxy(ledger(farm.urls), { retries }), { method: 'PUT', body: upload.body })
    upload.push('x'.repeat(65_537))
    upload.end()
    expect((await answering).status).toBe(503)
    expect(at(farm, 1).hits).toBe(0)
  })

  test('is the answer when no other comes, with head and body; the first of another kind ends it', async () => {
    await using farm = await origins(3)
    for (const origin of farm.servers) origin.fault = { ...busy, headers: { 'x-from': String(origin.id) } }
    const clock = virtualClock()
    const handler = proxy(ledger(farm.urls), { retries, clock })
    const answering = call(handler, '/')
    await at(farm, 1).when(() => at(farm, 1).hits === 1)
    // The second retry waits, 25 ms at most.
    await vi.waitFor(async () => {
      await clock.advance(25)
      expect(at(farm, 2).hits).toBe(1)
    })
    const reply = await answering
    expect([reply.status, reply.headers.get('x-from'), await reply.text()]).toEqual([503, '2', 'busy'])
    expect(farm.hits).toBe(3)
    expect(clock.pending).toBe(0)
    at(farm, 1).fault = { kind: 'status', status: 404 }
    expect((await call(handler, '/')).status).toBe(404)
  })

  test.each([
    ['cannot be reached', { kind: 'refuse' }],
    ['breaks off', { kind: 'reset-before-headers' }],
  ] as const)('is the answer when the other endpoint %s', async (_, fault) => {
    await using farm = await origins(2)
    at(farm, 0).fault = busy
    at(farm, 1).fault = fault
    const balancer = ledger(farm.urls)
    const reply = await call(proxy(balancer, { retries }), '/')
    expect([reply.status, await reply.text()]).toEqual([503, 'busy'])
    expect(balancer.kinds).toEqual(['failure', 'failure'])
    expect(balancer.open).toBe(0)
  })

  test('asks the same endpoint again where there is no other, and what is let go is read: one connection serves them all', async () => {
    await using farm = await origins(1)
    let count = 0
    at(farm, 0).handler = (_, res) => {
      if (count++ % 2 === 0) res.writeHead(503).end('x'.repeat(20_000))
      else res.end('ok')
    }
    const balancer = ledger(farm.urls)
    const handler = proxy(balancer, { retries })
    const replies = await calls(handler, 30)
    expect(replies.every(({ status }) => status === 200)).toBe(true)
    expect(farm.hits).toBe(60)
    expect(at(farm, 0).connections).toBe(1)
    expect(balancer.open).toBe(0)
    await handler.close()
  })

  test('with an answer that is long, or slow, is the answer', async () => {
    await using farm = await origins(2)
    at(farm, 0).handler = (_, res) => void res.writeHead(503).end('x'.repeat(300_000))
    const clock = virtualClock()
    const handler = proxy(ledger(farm.urls), { retries, clock })
    const long = await call(handler, '/')
    expect([long.status, (await long.bytes()).byteLength]).toEqual([503, 300_000])
    at(farm, 0).handler = (_, res) => void res.writeHead(503).write('be')
    const answering = call(handler, '/')
    await vi.waitFor(() => expect(clock.pending).toBe(1))
    await clock.advance(1_000)
    const slow = await answering
    expect(slow.status).toBe(503)
    expect(at(farm, 1).hits).toBe(0)
    await farm.stop(0)
    await expect(slow.bytes()).rejects.toMatchObject({ code: 'UPSTREAM_RESET' })
  })

  test('gives up when the client leaves, while the retry waits', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { ...busy, headers: { 'retry-after': '1' } }
    const clock = virtualClock()
    const balancer = ledger(farm.urls)
    const asked = exchange('/')
    const answering = asked.ask(proxy(balancer, { retries, clock }))
    await vi.waitFor(() => expect(balancer.entries).toHaveLength(2))
    await vi.waitFor(() => expect(clock.pending).toBe(1))
    asked.abort()
    await answering
    expect(clock.pending).toBe(0)
    expect(balancer.open).toBe(0)
    expect(farm.hits).toBe(1)
  })
})

describe('Retry-After', () => {
  test('in seconds is waited out before the same endpoint is asked again', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { ...busy, headers: { 'retry-after': '1' }, times: 1 }
    const clock = virtualClock()
    const balancer = ledger(farm.urls)
    const answering = call(proxy(balancer, { retries, clock }), '/')
    await vi.waitFor(() => expect(balancer.entries).toHaveLength(2))
    await vi.waitFor(() => expect([balancer.open, clock.pending]).toEqual([0, 1]))
    await clock.advance(999)
    expect(farm.hits).toBe(1)
    await clock.advance(1)
    expect((await answering).status).toBe(200)
    expect(balancer.entries[0]?.outcomes[0]).toMatchObject({ status: 503, retryAfterMs: 1_000 })
  })

  test('may be a date, and counts from the date of the answer', async () => {
    await using farm = await origins(1)
    const headers = { date: 'Wed, 21 Oct 2015 07:28:00 GMT', 'retry-after': 'Wed, 21 Oct 2015 07:28:01 GMT' }
    at(farm, 0).fault = { ...busy, headers, times: 1 }
    const clock = virtualClock()
    const balancer = ledger(farm.urls)
    const answering = call(proxy(balancer, { retries, clock }), '/')
    await vi.waitFor(() => expect(balancer.entries).toHaveLength(2))
    await vi.waitFor(() => expect([balancer.open, clock.pending]).toEqual([0, 1]))
    await clock.advance(1_000)
    expect((await answering).status).toBe(200)
    expect(balancer.entries[0]?.outcomes[0]).toMatchObject({ status: 503, retryAfterMs: 1_000 })
  })

  test('does not hold for another endpoint', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { ...busy, headers: { 'retry-after': '3600' } }
    expect((await call(proxy(ledger(farm.urls), { retries }), '/')).status).toBe(200)
  })

  test('that is too long is for the client to heed', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { ...busy, headers: { 'retry-after': '2' } }
    const reply = await call(proxy(ledger(farm.urls), { retries }), '/')
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '2'])
    expect(farm.hits).toBe(1)
  })
})

describe('the budget', () => {
  const none = { share: 0, perSecond: 0 }

  test('empty, leaves the first answer and the first failure', async () => {
    await using farm = await origins(2)
    const handler = proxy(ledger(farm.urls), { retries: { ...retries, budget: none } })
    at(farm, 0).fault = busy
    expect((await call(handler, '/')).status).toBe(503)
    at(farm, 0).fault = { kind: 'reset-before-headers' }
    expect(await (await call(handler, '/')).json()).toMatchObject({ code: 'UPSTREAM_RESET' })
    expect(at(farm, 1).hits).toBe(0)
  })

  test('does not count what was never sent', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'refuse' }
    const handler = proxy(ledger(farm.urls), { retries: { budget: none } })
    expect((await calls(handler, 50)).every(({ status }) => status === 200)).toBe(true)
  })

  test('bounds all requests of a proxy together', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'reset-before-headers' }
    const clock = virtualClock()
    const handler = proxy(ledger(farm.urls), { clock, retries: { budget: { share: 0.2, perSecond: 0 } } })
    await calls(handler, 100)
    expect(at(farm, 1).hits).toBe(20)
  })

  test('may be done without', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'reset-before-headers' }
    const handler = proxy(ledger(farm.urls), { retries: { budget: false } })
    expect((await calls(handler, 60)).every(({ status }) => status === 200)).toBe(true)
  })
})

describe('one attempt', () => {
  test('has a time of its own, and another endpoint gets the rest', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'hang-before-headers' }
    const clock = virtualClock()
    const balancer = ledger(farm.urls)
    const answering = call(proxy(balancer, { clock, timeouts: { attemptMs: 100 } }), '/')
    await at(farm, 0).when(() => farm.hits === 1)
    await clock.advance(100)
    expect(await (await answering).json()).toMatchObject({ id: 1 })
    expect(balancer.kinds).toEqual(['failure', 'success'])
    expect(clock.pending).toBe(0)
    expect(balancer.open).toBe(0)
  })

  test('that is the last is 504 with a code of its own', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { kind: 'hang-before-headers' }
    const clock = virtualClock()
    const answering = call(proxy(farm.urls[0] as string, { clock, timeouts: { attemptMs: 100 } }), '/')
    await at(farm, 0).when(() => farm.hits === 1)
    await clock.advance(100)
    const reply = await answering
    expect([reply.status, (await reply.json<{ code: string }>()).code]).toEqual([504, 'UPSTREAM_ATTEMPT_TIMEOUT'])
    await at(farm, 0).when(() => at(farm, 0).requests[0]?.aborted)
  })

  test.each([
    ['a layer, where the proxy has none', undefined, 100],
    ['the proxy, where that is shorter', 100, 500],
    ['a layer, where that is shorter', 500, 100],
  ])('has the time of %s', async (_, attemptMs, ofLayer) => {
    await using farm = await origins(1)
    at(farm, 0).fault = { kind: 'hang-before-headers' }
    const clock = virtualClock()
    const handler = proxy(farm.urls[0] as string, { clock, timeouts: attemptMs === undefined ? {} : { attemptMs } })
    const answering = call((ctx) => handler(withAttemptMs(ctx, ofLayer)))
    await at(farm, 0).when(() => farm.hits === 1)
    await clock.advance(100)
    expect(await (await answering).json()).toMatchObject({ code: 'UPSTREAM_ATTEMPT_TIMEOUT' })
  })

  test('begins with its connection: a wait in our own queue is not held against the endpoint', async () => {
    await using farm = await origins(1)
    const origin = at(farm, 0)
    origin.fault = { kind: 'hang-before-headers' }
    const clock = virtualClock()
    const balancer = ledger(farm.urls)
    const timeouts = { attemptMs: 100, totalMs: 1_000 }
    const handler = proxy(balancer, { clock, connections: 1, timeouts, retries: 0 })
    const first = call(handler, '/')
    await origin.when(() => farm.hits === 1)
    const second = call(handler, '/')
    await clock.advance(90)
    origin.release()
    expect((await first).status).toBe(200)
    await origin.when(() => farm.hits === 2)
    await clock.advance(90)
    origin.release()
    expect((await second).status).toBe(200)
    expect(balancer.entries.map(({ outcomes }) => outcomes)).toEqual([
      [{ kind: 'success', status: 200, latencyMs: 90 }],
      [{ kind: 'success', status: 200, latencyMs: 90 }],
    ])
    expect(clock.pending).toBe(0)
    await handler.close()
  })

  test('tells as its deadline what is left after the queue', async () => {
    await using farm = await origins(1)
    const origin = at(farm, 0)
    origin.fault = { kind: 'hang-before-headers' }
    const clock = virtualClock()
    const timeouts = { totalMs: 1_000 }
    const handler = proxy(farm.urls[0] as string, { clock, connections: 1, timeouts, deadlineHeader: 'x-timeout-ms' })
    const first = call(handler, '/')
    await origin.when(() => farm.hits === 1)
    const second = call(handler, '/')
    await clock.advance(300)
    origin.release()
    await origin.when(() => farm.hits === 2)
    origin.release()
    await Promise.all([first, second])
    expect(origin.requests.map(({ headers }) => headers['x-timeout-ms'])).toEqual(['1000', '700'])
    await handler.close()
  })
})
