import type { Socket } from 'node:net'
import {
  bytesOf,
  type Context,
  chain,
  GatewayError,
  HeaderList,
  json,
  PushSource,
  problem,
  type Reply,
  subscribe,
  switchProtocols,
  text,
} from '@gatelet/core'
import { rawClient, rawRequest } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { deferred, echo, head, serving, until } from './serving.ts'

const handshake = (fields = '', line = 'GET /ws') =>
  head(
    line,
    `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${fields}`,
  )

describe('a WebSocket handshake', () => {
  test('runs the same layers as any request, and gets the socket', async () => {
    const handler = chain()
      .use(async (ctx, next) => {
        const reply = await next(ctx)
        reply.headers.set('x-layer', ctx.request.kind)
        return reply
      })
      .to(echo)
    await using server = await serving(handler)
    await using client = await rawClient(server.port)
    client.write(`${handshake()}early`)
    const start = await client.read('\r\n\r\n')
    expect(start).toMatch(/^HTTP\/1\.1 101 /)
    expect(start).toContain('x-layer: upgrade\r\n')
    await client.read('early')
    client.write(' and late')
    await client.read(' and late')
    expect(server.finished).toHaveLength(0)
    client.end()
    expect(await server.ended(1)).toEqual(['finished 101'])
  })

  test('carries a library that writes the 101 itself', async () => {
    const wss = new WebSocketServer({ noServer: true })
    await using server = await serving((ctx) => ({
      ...echo(),
      upgrade(socket, first) {
        const { method, url, headers } = ctx.request
        const req = { method, url: url.path, headers: Object.fromEntries(headers) }
        const lower = Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name.toLowerCase(), value]))
        wss.handleUpgrade({ ...req, headers: lower } as never, socket, first, (ws) =>
          ws.on('message', (data) => ws.send(`got ${data}`)),
        )
      },
    }))
    const ws = new WebSocket(`ws://127.0.0.1:${server.port}/x`)
    const answer = deferred<string>()
    ws.on('message', (data) => answer.resolve(String(data)))
    ws.on('open', () => ws.send('x'.repeat(100_000)))
    expect(await answer.promise).toHaveLength(100_004)
    ws.close()
    expect(await server.ended(1)).toEqual(['finished 101'])
  })

  test.for<[string, () => Reply]>([
    ['a literal', () => json({ no: true }, { status: 403, headers: { 'x-why': 'because' } })],
    ['nothing', () => ({ status: 403, headers: new HeaderList(), body: null })],
    ['a stream', () => ({ status: 403, headers: new HeaderList(), body: big() })],
    ['a problem', () => problem(new GatewayError('NO_ENDPOINT'))],
  ])('that is refused gets the reply, whole, and the connection ends: %s', async ([kind, made]) => {
    await using server = await serving(made)
    const { responses, closed } = await rawRequest(server.port, `${handshake()}bytes for nobody`)
    expect(responses.map(({ status, complete }) => [status, complete])).toEqual([[made().status, true]])
    expect(responses[0]?.headers.get('connection')).toBe('close')
    if (kind === 'a stream') expect(responses[0]?.body.byteLength).toBe(4_000_000)
    expect(closed).toBe('end')
    expect(await server.ended(1)).toEqual([`finished ${made().status}`])
  })

  test('that a layer fails becomes an error reply', async () => {
    await using server = await serving(() => {
      throw new GatewayError('UPSTREAM_CONNECT_FAILED')
    })
    expect((await rawRequest(server.port, handshake())).responses[0]?.status).toBe(502)
  })

  test.for<[string, string]>([
    ['with a body', handshake('Content-Length: 3\r\n')],
    ['with a body in chunks', handshake('Transfer-Encoding: chunked\r\n')],
    ['with a body that is still coming', handshake('Content-Length: 5000\r\n')],
    ['by POST', handshake('', 'POST /ws')],
    ['by POST with a body', handshake('Content-Length: 3\r\n', 'POST /ws')],
  ])('%s is refused, and nothing behind it is read', async ([, request]) => {
    let runs = 0
    await using server = await serving(() => {
      runs++
      return echo()
    })
    const { responses, closed } = await rawRequest(server.port, `${request}abc${head('GET /smuggled')}`)
    expect(responses.map((response) => [response.status, JSON.parse(response.text).code])).toEqual([[400, 'UPGRADE_REFUSED']])
    expect([runs, closed]).toEqual([0, 'end'])
    expect(await server.ended(1)).toEqual(['finished 400'])
  })

  test.for([
    ['a bad target', handshake('', 'GET /%zz'), 'BAD_TARGET'],
    ['two Hosts', handshake('Host: b\r\n'), 'BAD_HOST'],
    ['an empty segment', handshake('', 'GET //admin'), 'BAD_TARGET'],
  ])('is checked like any request: %s', async ([, request, code]) => {
    await using server = await serving(echo)
    const { responses } = await rawRequest(server.port, request as string)
    expect(JSON.parse(responses[0]?.text ?? '').code).toBe(code)
  })

  test('that is answered by an upgrade which throws ends the connection', async () => {
    await using server = await serving(() => ({
      ...echo(),
      upgrade() {
        throw new Error('boom')
      },
    }))
    expect((await rawRequest(server.port, handshake())).text).toBe('')
    expect(await server.ended(1)).toEqual(['failed 500'])
  })
})

describe('a client that leaves during the handshake', () => {
  test.for<['reset' | 'end']>([['reset'], ['end']])('by %s is noticed at once, and the upgrade is not begun', async ([how]) => {
    const begun = deferred<Context>()
    const reply = deferred<Reply>()
    let upgrades = 0
    let isFreed = false
    await using server = await serving((ctx) => {
      ctx.onFinish(() => (isFreed = true))
      begun.resolve(ctx)
      return reply.promise
    })
    await using client = await rawClient(server.port)
    client.write(handshake())
    const ctx = await begun.promise
    client[how]()
    expect(await server.ended(1)).toEqual(['aborted 499'])
    expect([ctx.signal.aborted, isFreed]).toEqual([true, true])
    reply.resolve({ ...echo(), upgrade: () => void upgrades++ })
    await new Promise((resolve) => setImmediate(resolve))
    expect(upgrades).toBe(0)
    await until(() => server.connections === 0)
  })

  test('after the 101 by a reset does not end the process', async () => {
    const taken = deferred<Socket>()
    await using server = await serving(() => ({
      ...echo(),
      upgrade(socket, _first, headers) {
        switchProtocols(socket, headers)
        taken.resolve(socket as Socket)
      },
    }))
    await using client = await rawClient(server.port)
    client.write(handshake())
    const socket = await taken.promise
    socket.resume()
    await client.reset()
    expect(await server.ended(1)).toEqual(['finished 101'])
  })
})

describe('a request that wants another protocol than WebSocket', () => {
  const h2c = (line: string, fields = '') =>
    head(line, `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n${fields}`)

  test.for<[string, string]>([
    ['h2c', h2c('GET /plain')],
    ['a list with WebSocket in it', head('GET /plain', 'Connection: upgrade\r\nUpgrade: h2c, websocket\r\n')],
    ['HTTP/1.0 and WebSocket', 'GET /plain HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
  ])('is served as if it had not asked: %s', async ([, request]) => {
    await using server = await serving((ctx) =>
      json([ctx.request.kind, ctx.request.url.path, ctx.request.headers.get('upgrade') ?? null]),
    )
    const { responses } = await rawRequest(server.port, request, { responses: 1 })
    expect(responses.map((response) => [response.status, response.text])).toEqual([[200, '["request","/plain",null]']])
  })

  test('keeps its body', async () => {
    await using server = await serving(async (ctx) => text(Buffer.from(await bytesOf(ctx.request.body, 100)).toString()))
    await using client = await rawClient(server.port)
    client.write(`${h2c('POST /a', 'Content-Length: 6\r\n')}abc`)
    await until(() => server.connections === 1)
    client.write('def')
    expect((await client.response()).text).toBe('abcdef')
  })

  test('keeps what is pipelined behind it, and its connection', async () => {
    await using server = await serving((ctx) => text(ctx.request.url.path))
    await using client = await rawClient(server.port)
    client.write(h2c('GET /a') + head('GET /b'))
    expect([(await client.response()).text, (await client.response()).text]).toEqual(['/a', '/b'])
    client.write(h2c('GET /c') + head('GET /d'))
    expect([(await client.response()).text, (await client.response()).text]).toEqual(['/c', '/d'])
    expect(server.connections).toBe(1)
    await client.reset()
    await until(() => server.connections === 0)
    expect(await server.ended(4)).toHaveLength(4)
  })

  test('cannot smuggle: its body stays its body', async () => {
    let runs = 0
    await using server = await serving((ctx) => {
      runs++
      return text(ctx.request.url.path)
    })
    const inner = head('GET /smuggled')
    const { responses } = await rawRequest(server.port, h2c('POST /a', `Content-Length: ${inner.length}\r\n`) + inner, {
      silenceMs: 100,
    })
    expect([responses.map((response) => response.text), runs]).toEqual([['/a'], 1])
  })
})

function big(): PushSource {
  let sent = 0
  const pump = () => {
    while (sent < 4_000_000) {
      sent += 50_000
      if (!body.push(Buffer.alloc(50_000))) return
    }
    body.end()
  }
  const body = new PushSource({ start: () => setImmediate(pump), pause() {}, resume: pump, cancel() {} })
  return body
}

test('a connection that changed its protocol is told of once, before it is over; a refusal is not', async () => {
  const told: string[] = []
  const tell =
    (what: string) =>
    ({ context }: { readonly context: Context }) =>
      void told.push(`${what} ${context.request.url.path}`)
  const undo = [subscribe('request:upgraded', tell('upgraded')), subscribe('request:finished', tell('finished'))]
  onTestFinished(() => {
    for (const stop of undo) stop()
  })
  await using server = await serving((ctx) => (ctx.request.url.path === '/ws' ? echo() : text('no', 403)))
  await using refused = await rawClient(server.port)
  refused.write(handshake('', 'GET /no'))
  await refused.read('no')
  await until(() => told.length === 1)
  await using client = await rawClient(server.port)
  client.write(handshake())
  await client.read('\r\n\r\n')
  expect(told).toEqual(['finished /no', 'upgraded /ws'])
  client.end()
  await until(() => told.length === 3)
  expect(told).toEqual(['finished /no', 'upgraded /ws', 'finished /ws'])
})
