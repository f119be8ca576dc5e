import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { type Context, type IncomingRequest, text } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { type Answer, call, calls, exchange, type Origin, type OriginFarm, origins, rawServer } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { heldBytes } from '../src/held-bytes.ts'
import { ledger } from './support/ledger.ts'
import { trickle } from './support/trickle.ts'

const at = (farm: OriginFarm, index: number) => farm.servers[index] as Origin
const code = async (reply: Answer) => (await reply.json<{ code: string }>()).code

describe('an endpoint that refuses connections', () => {
  test.each(['GET', 'POST', 'PATCH'])('is passed over, for a %s too: nothing was sent', async (method) => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'refuse' }
    const balancer = ledger(farm.urls)
    const reply = await call(proxy(balancer), { method, ...(method === 'GET' ? {} : { body: 'hello' }) })
    expect(await reply.json()).toMatchObject({ id: 1 })
    if (method !== 'GET') expect(at(farm, 1).requests[0]?.body.toString()).toBe('hello')
    expect(balancer.kinds).toEqual(['failure', 'success'])
    expect(balancer.open).toBe(0)
  })

  test('alone is 502; all of several are 503', async () => {
    await using farm = await origins(3)
    for (const origin of farm.servers) origin.fault = { kind: 'refuse' }
    const one = await call(proxy(farm.urls[0] as string), '/')
    expect([one.status, await code(one)]).toEqual([502, 'UPSTREAM_CONNECT_FAILED'])
    const balancer = ledger(farm.urls)
    const all = await call(proxy(balancer), '/')
    expect([all.status, await code(all)]).toEqual([503, 'NO_ENDPOINT'])
    expect(balancer.kinds).toEqual(['failure', 'failure', 'failure'])
    expect(balancer.open).toBe(0)
  })

  test('is passed over by an upload that streams, which nobody has read yet', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'refuse' }
    const upload = trickle()
    const answering = call(proxy(ledger(farm.urls)), { method: 'POST', body: upload.body })
    upload.push('hel')
    await at(farm, 1).when(() => at(farm, 1).requests[0]?.bodyBytes === 3)
    upload.push('lo')
    upload.end()
    expect((await answering).status).toBe(200)
    expect(at(farm, 1).requests[0]?.body.toString()).toBe('hello')
  })

  test('is not told to the client by its address', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { kind: 'refuse' }
    const reply = await call(proxy(farm.urls[0] as string), '/')
    expect(await reply.text()).not.toMatch(/127|ECONN|:\d{4}/)
  })
})

describe('after bytes were sent', () => {
  test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('a %s goes to another endpoint', async (method) => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'reset-before-headers' }
    const body = method === 'PUT' ? { body: 'hello' } : {}
    const reply = await call(proxy(ledger(farm.urls)), { method, ...body })
    expect(reply.status).toBe(200)
    if (method === 'PUT') expect(at(farm, 1).requests[0]?.body.toString()).toBe('hello')
  })

  test.each(['POST', 'PATCH', 'REPORT'])('a %s does not', async (method) => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'reset-before-headers' }
    const balancer = ledger(farm.urls)
    const reply = await call(proxy(balancer), { method, body: 'hello' })
    expect([reply.status, await code(reply)]).toEqual([502, 'UPSTREAM_RESET'])
    expect(at(farm, 1).hits).toBe(0)
    expect(balancer.kinds).toEqual(['failure'])
  })

  test('so does a PUT that streams, with what was sent of it and what follows', async () => {
    await using farm = await origins(2)
    const upload = trickle()
    const answering = call(proxy(ledger(farm.urls)), { method: 'PUT', body: upload.body })
    upload.push('hello ')
    await at(farm, 0).when(() => at(farm, 0).requests[0]?.bodyBytes === 6)
    await farm.stop(0)
    upload.push('world')
    upload.end()
    expect((await answering).status).toBe(200)
    expect(at(farm, 1).requests[0]?.bodyBytes).toBe(11)
  })

  test('a PUT that streams does not when more than 64 KiB of it were sent: they are gone', async () => {
    await using farm = await origins(2)
    const upload = trickle()
    const answering = call(proxy(ledger(farm.urls)), { method: 'PUT', body: upload.body })
    upload.push('x'.repeat(65_537))
    await at(farm, 0).when(() => at(farm, 0).requests[0]?.bodyBytes === 65_537)
    await farm.stop(0)
    expect((await answering).status).toBe(502)
    expect(at(farm, 1).hits).toBe(0)
    expect(upload.isCancelled()).toBe(true)
  })

  test('nor does a POST that streams', async () => {
    await using farm = await origins(2)
    const upload = trickle()
    const answering = call(proxy(ledger(farm.urls)), { method: 'POST', body: upload.body })
    upload.push('hello')
    await at(farm, 0).when(() => at(farm, 0).requests[0]?.bodyBytes === 5)
    await farm.stop(0)
    expect((await answering).status).toBe(502)
    expect(at(farm, 1).hits).toBe(0)
    expect(upload.isCancelled()).toBe(true)
    expect(heldBytes()).toBe(0)
  })

  test('a POST that may be asked twice, as the options say, does', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'reset-before-headers' }
    const repeatable = ({ headers }: IncomingRequest) => headers.has('idempotency-key')
    const handler = proxy(ledger(farm.urls), { retries: { repeatable } })
    const asked = { method: 'POST', body: 'hello' }
    expect((await call(handler, { ...asked, headers: { 'idempotency-key': '1' } })).status).toBe(200)
    expect((await call(handler, asked)).status).toBe(502)
  })

  test('a HEAD or GET that is too slow goes elsewhere; a POST does not', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'hang-before-headers' }
    const handler = proxy(ledger(farm.urls), { timeouts: { headersMs: 50 } })
    expect((await call(handler, '/')).status).toBe(200)
    const post = await call(handler, { method: 'POST', body: 'hello' })
    expect([post.status, await code(post)]).toEqual([504, 'UPSTREAM_HEADERS_TIMEOUT'])
  })

  test('nothing is asked again once the head of an answer is there', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'reset-mid-body' }
    const reply = await call(proxy(ledger(farm.urls)), '/')
    expect(reply.status).toBe(200)
    await expect(reply.bytes()).rejects.toMatchObject({ code: 'UPSTREAM_RESET' })
    expect(at(farm, 1).hits).toBe(0)
  })

  test('an answer is an answer, whatever its status', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'status', status: 503, body: 'busy' }
    const balancer = ledger(farm.urls)
    const reply = await call(proxy(balancer), '/')
    expect([reply.status, await reply.text()]).toEqual([503, 'busy'])
    expect(balancer.kinds).toEqual(['failure'])
    expect(farm.hits).toBe(1)
  })

  test('nonsense is not asked for twice', async () => {
    await using nonsense = await rawServer(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write('hello world\r\n')
    })
    await using farm = await origins(1)
    expect((await call(proxy(ledger([nonsense.url, ...farm.urls])), '/')).status).toBe(502)
    expect(farm.hits).toBe(0)
  })
})

describe('how often', () => {
  test.each([0, 1, 2])('%i times more than once', async (retries) => {
    await using farm = await origins(4)
    for (const origin of farm.servers) origin.fault = { kind: 'reset-before-headers' }
    const balancer = ledger(farm.urls)
    const reply = await call(proxy(balancer, { retries }), '/')
    expect([reply.status, await code(reply)]).toEqual([502, 'UPSTREAM_RESET'])
    expect(farm.hits).toBe(retries + 1)
    expect(balancer.open).toBe(0)
  })

  test('one endpoint is not asked twice', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { kind: 'reset-before-headers' }
    expect((await call(proxy(farm.urls[0] as string, { retries: 10 }), '/')).status).toBe(502)
    expect(farm.hits).toBe(1)
  })
})

describe('a connection that the upstream closed while it was idle', () => {
  test.each([
    ['close-on-reuse', 'GET'],
    ['close-after-reply', 'GET'],
    ['close-after-reply', 'PUT'],
  ] as const)('%s costs no %s', async (kind, method) => {
    await using farm = await origins(1)
    const balancer = ledger(farm.urls)
    at(farm, 0).fault = { kind }
    const replies = await calls(proxy(balancer), 300, { method, ...(method === 'PUT' ? { body: 'hello' } : {}) })
    expect(replies.filter(({ status }) => status !== 200)).toEqual([])
    expect(balancer.kinds.filter((each) => each === 'failure')).toEqual([])
    expect(balancer.open).toBe(0)
  })

  test('costs no POST either that was not sent on it', async () => {
    await using farm = await origins(1)
    const handler = proxy(farm.urls[0] as string)
    for (let i = 0; i < 50; i++) {
      await (await call(handler, '/')).bytes()
      // The close is on its way, or has come; both are seen before anything is written.
      const origin = at(farm, 0)
      await origin.stop()
      await origin.start()
      expect((await call(handler, { method: 'POST', body: 'hello' })).status).toBe(200)
    }
  })

  test('and that breaks with a reset while a POST is about to be written costs nothing, and is not the fault of the endpoint', async () => {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.on('data', () => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const balancer = ledger([`http://127.0.0.1:${(server.address() as AddressInfo).port}`])
    const handler = proxy(balancer)
    for (let i = 0; i < 50; i++) {
      await (await call(handler, '/')).bytes()
      // In one turn of the event loop: the reset is there, but not seen yet, when the connection is picked.
      sockets.at(-1)?.resetAndDestroy()
      expect((await call(handler, { method: 'POST', body: 'hello' })).status).toBe(200)
    }
    expect(balancer.kinds.filter((kind) => kind === 'failure')).toEqual([])
    expect(balancer.kinds.filter((kind) => kind === 'cancelled').length).toBeGreaterThan(0)
    expect(balancer.open).toBe(0)
    await handler.close()
    server.close()
  })

  test('is raced against once: then the endpoint is at fault', async () => {
    let served = 0
    await using server = await rawServer(async (connection) => {
      await connection.read('\r\n\r\n')
      if (served++ === 0) connection.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      else return connection.reset()
      await connection.read('\r\n\r\n')
      await connection.reset()
    })
    const balancer = ledger([server.url])
    const handler = proxy(balancer)
    await calls(handler, 1)
    await setImmediate()
    const reply = await call(handler, '/')
    expect([reply.status, await code(reply)]).toEqual([502, 'UPSTREAM_RESET'])
    expect(balancer.kinds).toEqual(['success', 'cancelled', 'failure'])
    expect(server.connections).toHaveLength(2)
  })
})

describe('no room at one endpoint', () => {
  test('sends the request to another', async () => {
    await using farm = await origins(2)
    at(farm, 0).fault = { kind: 'hang-before-headers' }
    const balancer = ledger(farm.urls)
    const handler = proxy(balancer, { connections: 1, maxQueued: 0 })
    const hanging = exchange('/')
    const answering = hanging.ask(handler)
    await at(farm, 0).when(() => farm.hits === 1)
    expect(await (await call(handler, { method: 'POST', body: 'x' })).json()).toMatchObject({ id: 1 })
    hanging.abort()
    await answering
    expect(balancer.kinds).toEqual(['cancelled', 'cancelled', 'success'])
  })

  test('is 503 when there is no other', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { kind: 'hang-before-headers' }
    const handler = proxy(farm.urls[0] as string, { connections: 1, maxQueued: 0 })
    const hanging = exchange('/')
    const answering = hanging.ask(handler)
    await at(farm, 0).when(() => farm.hits === 1)
    const reply = await call(handler, '/')
    expect([reply.status, await code(reply)]).toEqual([503, 'QUEUE_FULL'])
    hanging.abort()
    await answering
  })
})

describe('what the balancer refuses', () => {
  test.each([
    ['none-healthy', 'NO_ENDPOINT'],
    ['queue-full', 'QUEUE_FULL'],
    ['queue-timeout', 'QUEUE_TIMEOUT'],
    ['draining', 'DRAINING'],
  ] as const)('%s is 503 %s, with the time that it names', async (reason, expected) => {
    const balancer = { acquire: () => ({ reason, retryAfterMs: 1_200 }), close: () => Promise.resolve() }
    const reply = await call(proxy(balancer), '/')
    expect([reply.status, await code(reply)]).toEqual([503, expected])
    expect(reply.headers.get('retry-after')).toBe('2')
  })

  test('after a failure is that failure', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { kind: 'reset-before-headers' }
    const given = ledger(farm.urls)
    const balancer = {
      acquire: (ask: Parameters<typeof given.acquire>[0]) =>
        ask.tried.length === 0 ? given.acquire(ask) : ({ reason: 'none-healthy' } as const),
      close: () => Promise.resolve(),
    }
    expect(await code(await call(proxy(balancer), '/'))).toBe('UPSTREAM_RESET')
    expect(given.open).toBe(0)
  })

  test('by a rejection is an error of ours', async () => {
    const balancer = { acquire: () => Promise.reject(new Error('no')), close: () => Promise.resolve() }
    expect((await call(proxy(balancer), '/')).status).toBe(500)
  })
})

describe('an endpoint that is a function', () => {
  const reading = async (ctx: Context) => {
    const { body } = ctx.request
    return text(Buffer.from(body as Uint8Array).toString())
  }

  test('answers, and holds its slot until the exchange is over', async () => {
    const balancer = ledger([{ handler: () => text('here') }])
    const asked = exchange('/')
    const reply = await proxy(balancer)(asked.ctx)
    expect(reply.body).toBe('here')
    expect(balancer.open).toBe(1)
    asked.finish()
    expect(balancer.open).toBe(0)
    expect(balancer.kinds).toEqual(['success'])
  })

  test('reads a body that was collected for others', async () => {
    await using farm = await origins(1)
    at(farm, 0).fault = { kind: 'refuse' }
    const upload = trickle(5)
    const balancer = ledger([...farm.urls, { handler: reading }])
    const answering = call(proxy(balancer), { method: 'POST', body: upload.body })
    upload.push('hello')
    upload.end()
    expect(await (await answering).text()).toBe('hello')
    expect(balancer.open).toBe(0)
  })

  test.each([
    ['throws', () => Promise.reject(new Error('no')), 500, 'failure'],
    ['answers 500', () => text('no', 500), 500, 'failure'],
    ['answers 404', () => text('no', 404), 404, 'success'],
  ] as const)('%s: its lease is told', async (_, handler, status, kind) => {
    const balancer = ledger([{ handler }])
    expect((await call(proxy(balancer), '/')).status).toBe(status)
    expect(balancer.kinds).toEqual([kind])
    expect(balancer.open).toBe(0)
  })
})

test('a target that cannot be connected to is an error of ours, and its lease comes back', async () => {
  const balancer = ledger([{ origin: new URL('ftp://127.0.0.1/') }])
  expect((await call(proxy(balancer), '/')).status).toBe(500)
  expect(balancer.open).toBe(0)
})
