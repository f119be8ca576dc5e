import { type Context, GatewayError, type Reply } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { baseline, exchange, type Origin, origins, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { blackHole } from './support/black-hole.ts'
import { type Ledger, ledger } from './support/ledger.ts'
import { trickle } from './support/trickle.ts'

const only = (farm: { servers: readonly Origin[] }) => farm.servers[0] as Origin

function expectAllBack(balancer: Ledger, kinds: readonly string[]): void {
  expect(balancer.open).toBe(0)
  expect(balancer.entries.every(({ releases }) => releases === 1)).toBe(true)
  expect(balancer.kinds).toEqual(kinds)
}

describe('when the client leaves', () => {
  test('before the headers, the upstream request stops at once and its endpoint is not blamed', async () => {
    await using farm = await origins(1)
    const origin = only(farm)
    origin.fault = { kind: 'hang-before-headers' }
    const balancer = ledger(farm.urls)
    const asked = exchange('/')
    const answering = asked.ask(proxy(balancer))
    await origin.when(() => origin.hits === 1)
    asked.abort()
    await origin.when(() => origin.requests[0]?.aborted && origin.sockets === 0)
    expect((await answering).status).toBe(499)
    expectAllBack(balancer, ['cancelled'])
  })

  test('in the middle of the download', async () => {
    await using farm = await origins(1)
    const origin = only(farm)
    origin.fault = { kind: 'hang-mid-body' }
    const balancer = ledger(farm.urls)
    const asked = exchange('/')
    const reply = await asked.ask(proxy(balancer))
    const reading = expect(reply.bytes()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
    asked.abort()
    await reading
    await origin.when(() => origin.requests[0]?.aborted && origin.sockets === 0)
    expectAllBack(balancer, ['success'])
  })

  test('in the middle of the upload: the upstream sees it broken off, and is not blamed', async () => {
    await using farm = await origins(2)
    const origin = only(farm)
    const balancer = ledger(farm.urls)
    const upload = trickle()
    const asked = exchange({ method: 'PUT', body: upload.body })
    const answering = asked.ask(proxy(balancer))
    upload.push('hello')
    await origin.when(() => origin.requests[0]?.bodyBytes === 5)
    asked.abort()
    await origin.when(() => origin.sockets === 0)
    expect(origin.requests[0]?.complete).toBe(false)
    expect((await answering).status).toBe(499)
    expect(upload.isCancelled()).toBe(true)
    expectAllBack(balancer, ['cancelled'])
    expect(farm.hits).toBe(1)
  })

  test('and it is the body that tells first', async () => {
    await using farm = await origins(2)
    const origin = only(farm)
    for (const error of [Object.assign(new Error('aborted'), { code: 'ECONNRESET' }), new GatewayError('CLIENT_CLOSED')]) {
      const balancer = ledger(farm.urls)
      const upload = trickle()
      const asked = exchange({ method: 'PUT', body: upload.body })
      const answering = asked.ask(proxy(balancer))
      upload.push('hello')
      await origin.when(() => origin.requests.at(-1)?.bodyBytes === 5)
      upload.fail(error)
      expect((await answering).status).toBe(499)
      await origin.when(() => origin.sockets === 0)
      expectAllBack(balancer, ['cancelled'])
    }
    expect(farm.servers[1]?.hits).toBe(0)
  })

  test('while a small body is collected: nobody is asked', async () => {
    const balancer = ledger(['http://127.0.0.1:1'])
    const upload = trickle(10)
    const asked = exchange({ method: 'POST', body: upload.body })
    const answering = asked.ask(proxy(balancer))
    upload.push('hello')
    asked.abort()
    expect((await answering).status).toBe(499)
    expect(upload.isCancelled()).toBe(true)
    expect(balancer.entries).toEqual([])
  })

  test('while it waits for a connection: it leaves the queue', async () => {
    await using farm = await origins(1)
    const origin = only(farm)
    origin.fault = { kind: 'hang-before-headers' }
    const clock = virtualClock()
    const balancer = ledger(farm.urls)
    const handler = proxy(balancer, { connections: 1, maxQueued: 1, clock })
    const first = exchange('/')
    const answering = first.ask(handler)
    await origin.when(() => origin.hits === 1)
    const waiting = exchange('/')
    const answer = waiting.ask(handler)
    waiting.abort()
    expect((await answer).status).toBe(499)
    // Its place is free again, and its timer gone: only the next one waits.
    const next = exchange('/').ask(handler)
    expect(clock.pending).toBe(2)
    origin.release()
    await (await answering).bytes()
    await origin.when(() => origin.hits === 2)
    origin.release()
    await (await next).bytes()
    expect((await next).status).toBe(200)
    expectAllBack(balancer, ['success', 'cancelled', 'success'])
    expect(clock.pending).toBe(0)
  })

  test('while the balancer makes it wait: nobody is asked', async () => {
    await using farm = await origins(1)
    let grant = () => {}
    const balancer = ledger(farm.urls, { wait: () => new Promise((resolve) => (grant = resolve)) })
    const asked = exchange('/')
    const answering = asked.ask(proxy(balancer))
    asked.abort()
    grant()
    expect((await answering).status).toBe(499)
    expect(balancer.open).toBe(0)
    expect(farm.hits).toBe(0)
  })

  test('before it is asked at all: the upstream gets nothing', async () => {
    await using farm = await origins(1)
    const handler = proxy(farm.urls[0] as string)
    await (await exchange('/').ask(handler)).bytes()
    const asked = exchange('/')
    asked.abort()
    expect((await asked.ask(handler)).status).toBe(499)
    // The connection that was at hand for it is as good as before.
    await (await exchange('/').ask(handler)).bytes()
    expect(farm.hits).toBe(2)
    expect(only(farm).connections).toBe(1)
  })

  test('while the connection is made: it is counted until it is made, and then kept for others', async () => {
    await using farm = await origins(1)
    const balancer = ledger(farm.urls)
    const handler = proxy(balancer, { connections: 1 })
    const asked = exchange('/')
    const answering = asked.ask(handler)
    asked.abort()
    expect((await answering).status).toBe(499)
    expect(balancer.open).toBe(0)
    const next = await exchange('/').ask(handler)
    expect((await next.json<{ id: number }>()).id).toBe(0)
    expect(farm.hits).toBe(1)
    expect(only(farm).connections).toBe(1)
  })

  test('while a connection does not come about: no more of them are opened than are allowed', async () => {
    await using full = await blackHole()
    const before = baseline()
    const balancer = ledger([full.url])
    const handler = proxy(balancer, { connections: 2, timeouts: { connectMs: 1_000 } })
    for (let i = 0; i < 20; i++) {
      const asked = exchange('/')
      const answering = asked.ask(handler)
      asked.abort()
      expect((await answering).status).toBe(499)
    }
    expect(before.extra()['TCPSocketWrap'] ?? 0).toBeLessThanOrEqual(2)
    expect(balancer.open).toBe(0)
    await before.settled()
  })
})

describe('a reply that nobody wants', () => {
  test('is stopped by its discard', async () => {
    await using farm = await origins(1)
    const origin = only(farm)
    origin.fault = { kind: 'hang-mid-body' }
    const balancer = ledger(farm.urls)
    const reply = await exchange('/').ask(proxy(balancer))
    const { body } = reply
    if (body === null || typeof body !== 'object' || !('cancel' in body)) throw new Error('no source')
    body.cancel()
    await origin.when(() => origin.requests[0]?.aborted && origin.sockets === 0)
    expectAllBack(balancer, ['success'])
  })

  test('and that a layer forgot to discard is stopped when the exchange is over', async () => {
    await using farm = await origins(1)
    const origin = only(farm)
    origin.fault = { kind: 'hang-mid-body' }
    const balancer = ledger(farm.urls)
    const handler = proxy(balancer)
    const forgetful = async (ctx: Context): Promise<Reply> => {
      const { headers } = await handler(ctx)
      return { status: 200, headers, body: 'mine' }
    }
    const reply = await exchange('/').ask(forgetful)
    expect(await reply.text()).toBe('mine')
    await origin.when(() => origin.requests[0]?.aborted && origin.sockets === 0)
    expectAllBack(balancer, ['success'])
  })
})

test('one that was read to its end leaves the connection as it is when the exchange is over', async () => {
  await using farm = await origins(1)
  const handler = proxy(farm.urls[0] as string)
  for (let i = 0; i < 3; i++) await (await exchange('/').ask(handler)).bytes()
  expect(only(farm).connections).toBe(1)
  expect(only(farm).requests.some(({ aborted }) => aborted)).toBe(false)
})
