import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { type Handler, HeaderList } from '@gatelet/core'
import { type RunningServer, serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { call, exchange, rawRequest, virtualClock } from '@gatelet/testing'
import { sseFromWebSocket, type WebSocketFromSseOptions, webSocketFromSse } from '@gatelet/websocket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { socketServer, until } from '../socket-server.ts'
import { type EventServer, eventServer } from './event-server.ts'

let origin: EventServer
let gateway: RunningServer | undefined
const clients: WebSocket[] = []

beforeEach(async () => {
  origin = await eventServer()
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate()
  await gateway?.close({ graceMs: 0 })
  gateway = undefined
  await origin[Symbol.asyncDispose]()
})

async function started(options: Partial<WebSocketFromSseOptions> = {}): Promise<RunningServer> {
  gateway = await serve(webSocketFromSse({ from: proxy(origin.url), ...options }), { port: 0, host: '127.0.0.1' })
  return gateway
}

interface Client {
  readonly socket: WebSocket
  readonly got: string[]
  /** Its close code, once it is closed. */
  readonly closed: Promise<number>
}

async function connected(
  server: RunningServer,
  path = '/',
  init: ClientOptions & { protocols?: string[] } = {},
): Promise<Client> {
  const { protocols = [], ...options } = init
  const socket = new WebSocket(server.url.replace('http', 'ws') + path, protocols, options)
  clients.push(socket)
  const got: string[] = []
  socket.on('message', (data) => got.push(String(data)))
  socket.on('error', () => {})
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  await once(socket, 'open')
  return { socket, got, closed }
}

async function refusal(server: RunningServer, init: ClientOptions = {}): Promise<IncomingMessage> {
  const socket = new WebSocket(server.url.replace('http', 'ws'), init)
  socket.on('error', () => {})
  const [, res] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  res.resume()
  socket.terminate()
  return res
}

const quick = { retryMs: 1 }

describe('events', () => {
  test('become messages, whatever the pieces in which they come', async () => {
    const { got } = await connected(await started(), '/prices?of=tea')
    for (const byte of 'id: 1\r\nevent: price\r\ndata: {"a":1}\r\n\r\n: ping\n\ndata: x\ndata: y\n\n') origin.say(byte)
    await until(() => got.length === 2)
    expect(got.map((text) => JSON.parse(text))).toEqual([
      { event: 'price', data: '{"a":1}', id: '1' },
      { event: 'message', data: 'x\ny', id: '1' },
    ])
    expect(origin.asked[0]?.url).toBe('/prices?of=tea')
  })

  test('become what the option makes of them, or nothing', async () => {
    const { got } = await connected(await started({ toMessage: ({ event, data }) => (event === 'skip' ? undefined : data) }))
    origin.say('event: skip\ndata: 1\n\ndata: 2\n\n')
    await until(() => got.length === 1)
    expect(got).toEqual(['2'])
  })

  test('that cannot be made messages close with 1011', async () => {
    const { closed } = await connected(await started({ toMessage: ({ data }) => JSON.parse(data) }))
    origin.say('data: no json\n\n')
    expect(await closed).toBe(1011)
    await until(() => origin.open.size === 0)
  })

  test('that are too long close with 1011', async () => {
    const { closed } = await connected(await started({ maxMessageBytes: 1_000 }))
    origin.say(`data: ${'x'.repeat(2_000)}`)
    expect(await closed).toBe(1011)
    await until(() => origin.open.size === 0)
  })

  test('are asked for as an EventSource does, with what the client says of itself', async () => {
    const server = await started({ protocols: ['v2', 'v1'] })
    const { socket } = await connected(server, '/', { headers: { cookie: 'a=1', 'last-event-id': '7' }, protocols: ['v1', 'v9'] })
    expect(socket.protocol).toBe('v1')
    const { headers } = origin.asked[0] as IncomingMessage
    expect(headers).toMatchObject({
      accept: 'text/event-stream',
      cookie: 'a=1',
      'last-event-id': '7',
      'accept-encoding': 'identity',
    })
    for (const name of [
      'upgrade',
      'sec-websocket-key',
      'sec-websocket-version',
      'sec-websocket-extensions',
      'sec-websocket-protocol',
    ])
      expect(headers[name]).toBeUndefined()
    await connected(server, '/?lastEventId=8')
    expect(origin.asked[1]?.headers['last-event-id']).toBe('8')
    await connected(server)
    expect(origin.asked[2]?.headers['last-event-id']).toBeUndefined()
  })
})

describe('the events are left', () => {
  test.each(['close', 'terminate'] as const)('within 50 ms when the client leaves (%s), ten times', async (how) => {
    const server = await started()
    for (let tries = 0; tries < 10; tries++) {
      const { socket } = await connected(server)
      await until(() => origin.open.size === 1)
      const [stream] = origin.open
      const left = new Promise<number>((resolve) => stream?.once('close', () => resolve(performance.now())))
      const leftAt = performance.now()
      socket[how]()
      // Ten times the stated 50 ms at most, as for every liveness bound here: the machine has others to serve.
      expect((await left) - leftAt).toBeLessThan(500)
    }
  })

  test('when the client leaves before they have begun', async () => {
    let isAsked = false
    origin.onGet = () => {
      isAsked = true
    }
    const server = await started()
    const socket = new WebSocket(server.url.replace('http', 'ws'))
    socket.on('error', () => {})
    await until(() => isAsked)
    socket.terminate()
    await until(() => origin.open.size === 0)
  })

  test('when nobody goes on with the handshake', async () => {
    const headers = {
      upgrade: 'websocket',
      connection: 'upgrade',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      'sec-websocket-version': '13',
    }
    const asking = exchange({ method: 'GET', url: '/', headers, kind: 'upgrade' } as never)
    const answer = await asking.ask(webSocketFromSse({ from: proxy(origin.url) }))
    expect(answer.upgrade).toBeTypeOf('function')
    await until(() => origin.open.size === 1)
    asking.finish('failed', 500)
    await until(() => origin.open.size === 0)
  })

  test('when the credentials end: with 1008', async () => {
    const clock = virtualClock()
    const { closed } = await connected(await started({ clock, expiresAt: () => clock.date() + 5_000 }))
    await clock.advance(4_900)
    expect(origin.open.size).toBe(1)
    await clock.advance(100)
    expect(await closed).toBe(1008)
    await until(() => origin.open.size === 0)
  })

  test('when the server goes down: with 1012', async () => {
    const server = await started()
    const { closed } = await connected(server)
    await server.close({ graceMs: 1_000 })
    expect(await closed).toBe(1012)
    await until(() => origin.open.size === 0)
  })

  test('by a client that gives no sign of life', async () => {
    const clock = virtualClock()
    const { socket } = await connected(await started({ clock, heartbeatMs: 1_000 }))
    let pings = 0
    socket.on('ping', () => pings++)
    await clock.advance(1_000)
    await until(() => pings === 1)
    await delay(20)
    await clock.advance(1_000)
    await until(() => pings === 2)
    socket.pause()
    await delay(20)
    await clock.advance(1_000)
    await clock.advance(1_000)
    await until(() => origin.open.size === 0)
    expect(clock.pending).toBe(0)
  })
})

describe('events that end', () => {
  const ending = (text: string) => (_: unknown, res: ServerResponse) =>
    res.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)

  test('are asked for again, from the last on', async () => {
    origin.onGet = (req, res) => ending(`id: ${Number(req.headers['last-event-id'] ?? 0) + 1}\ndata: x\n\n`)(req, res)
    const { got } = await connected(await started(quick))
    await until(() => got.length >= 4)
    expect(got.slice(0, 4).map((text) => JSON.parse(text).id)).toEqual(['1', '2', '3', '4'])
  })

  test('keep the last id where a stream tells none', async () => {
    let times = 0
    origin.onGet = (req, res) => ending(times++ === 0 ? 'id: a\ndata: x\n\n' : 'data: y\n\n')(req, res)
    const { got } = await connected(await started(quick))
    await until(() => got.length >= 3)
    expect(origin.asked.slice(1, 3).map(({ headers }) => headers['last-event-id'])).toEqual(['a', 'a'])
    expect(JSON.parse(got[2] ?? '').id).toBe('a')
  })

  test('break off, and are asked for again', async () => {
    const { got } = await connected(await started(quick))
    origin.say('id: 5\ndata: x\n\n')
    await until(() => got.length === 1)
    for (const stream of origin.open) stream.destroy()
    await until(() => origin.asked.length === 2)
    expect(origin.asked[1]?.headers['last-event-id']).toBe('5')
  })

  test('that fall silent are asked for again, unless it is us who do not read', async () => {
    const clock = virtualClock()
    const { got } = await connected(await started({ silenceMs: 10_000, retryMs: 0, clock }))
    origin.say('id: 1\ndata: a\n\n')
    await until(() => got.length === 1)
    await clock.advance(9_000)
    origin.say('id: 2\ndata: b\n\n')
    await until(() => got.length === 2)
    await clock.advance(9_000)
    expect(origin.asked).toHaveLength(1)
    await clock.advance(1_000)
    await until(() => origin.open.size === 0)
    await clock.advance(1)
    await until(() => origin.asked.length === 2)
    expect(origin.asked[1]?.headers['last-event-id']).toBe('2')
  })

  test('are asked for after the time that they tell', async () => {
    const clock = virtualClock()
    const { got } = await connected(await started({ clock }))
    origin.say('retry: 60000\ndata: x\n\n')
    await until(() => got.length === 1)
    for (const stream of origin.open) stream.end()
    await until(() => origin.open.size === 0)
    await delay(20)
    await clock.advance(29_000)
    expect(origin.asked.length).toBe(1)
    await clock.advance(31_000)
    await until(() => origin.asked.length === 2)
  })

  test.each([
    ['0', 49, 51],
    ['999999999999999', 43_199_999, 43_200_001],
  ])('are asked for after 100 ms to a day, half of it by chance, though they tell %s', async (told, beforeMs, thenMs) => {
    const clock = virtualClock()
    const { got } = await connected(await started({ clock, heartbeatMs: 2_000_000_000 }))
    origin.say(`retry: ${told}\ndata: x\n\n`)
    await until(() => got.length === 1)
    for (const stream of origin.open) stream.end()
    await until(() => origin.open.size === 0)
    await delay(20)
    await clock.advance(beforeMs)
    await delay(20)
    expect(origin.asked.length).toBe(1)
    await clock.advance(thenMs)
    await until(() => origin.asked.length === 2)
  })

  test.each([
    [204, 1000],
    [401, 1008],
    [403, 1008],
    [404, 1014],
    [200, 1014],
  ])('and answer %d then close with %d', async (status, code) => {
    const { closed } = await connected(await started(quick))
    origin.onGet = (_, res) => void res.writeHead(status, { 'content-type': 'text/html' }).end(status === 204 ? undefined : 'x')
    for (const stream of origin.open) stream.end()
    expect(await closed).toBe(code)
  })

  test.each([503, 429])('and answer %d then are asked so often, and close with 1014', async (status) => {
    const { closed } = await connected(await started({ ...quick, maxFailures: 3 }))
    origin.onGet = (_, res) => void res.writeHead(status).end()
    for (const stream of origin.open) stream.end()
    expect(await closed).toBe(1014)
    expect(origin.asked.length).toBe(1 + 4)
  })

  test.each([
    ['in order', 1000],
    ['broken off', 1014],
  ])('%s close with %d where they are not asked for again', async (how, code) => {
    const { closed } = await connected(await started({ resume: false }))
    for (const stream of origin.open) how === 'in order' ? stream.end() : stream.destroy()
    expect(await closed).toBe(code)
    expect(origin.asked.length).toBe(1)
  })
})

describe('a handshake is refused', () => {
  test.each([401, 404, 503, 204, 302])('as the events are, with %d', async (status) => {
    origin.onGet = (_, res) =>
      void res.writeHead(status, { 'x-why': 'so', location: '/login' }).end(status === 204 ? undefined : 'because')
    const res = await refusal(await started())
    expect([res.statusCode, res.headers['x-why']]).toEqual([status, 'so'])
  })

  test('where the answer is no events', async () => {
    origin.onGet = (_, res) => void res.writeHead(200, { 'content-type': 'text/html' }).end('<p>')
    expect((await refusal(await started())).statusCode).toBe(502)
  })

  test('where the events come packed', async () => {
    origin.onGet = (_, res) =>
      void res.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }).end(gzipSync('data: x\n\n'))
    expect((await refusal(await started())).statusCode).toBe(502)
  })

  test('where nobody answers', async () => {
    await origin[Symbol.asyncDispose]()
    expect((await refusal(await started())).statusCode).toBe(502)
  })

  test('to pages of others, unless they are named', async () => {
    const of = async (origin: string, origins?: WebSocketFromSseOptions['origins']) => {
      const server = await started(origins === undefined ? {} : { origins })
      const socket = new WebSocket(server.url.replace('http', 'ws'), { origin: origin.replace('HOST', new URL(server.url).host) })
      socket.on('error', () => {})
      const status = await Promise.race([
        once(socket, 'open').then(() => 101),
        once(socket, 'unexpected-response').then(([, res]) => res.statusCode),
      ])
      socket.terminate()
      await server.close({ graceMs: 0 })
      return status
    }
    expect(await of('http://HOST')).toBe(101)
    expect(await of('https://HOST')).toBe(101)
    expect(await of('https://evil.example')).toBe(403)
    expect(await of('null')).toBe(403)
    expect(await of('https://shop.example', ['https://shop.example'])).toBe(101)
    expect(await of('http://HOST', ['https://shop.example'])).toBe(403)
    expect(await of('https://evil.example', 'any')).toBe(101)
  })

  test('to what is none', async () => {
    const server = await started()
    expect((await fetch(server.url)).status).toBe(426)
    const ask = async (fields: string) =>
      (await rawRequest(server.port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n${fields}\r\n\r\n`)).responses[0]
    expect((await ask('Upgrade: websocket\r\nSec-WebSocket-Version: 13'))?.status).toBe(400)
    const old = await ask('Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==')
    expect(old?.status).toBe(426)
    expect(origin.asked.length).toBe(0)
  })
})

describe('the 101', () => {
  test('has the fields that layers add, but for those of WebSocket itself', async () => {
    const handler = webSocketFromSse({ from: proxy(origin.url) })
    const tagged: Handler = async (ctx) => {
      const reply = await handler(ctx)
      reply.headers
        .set('x-request-id', '7')
        .set('sec-websocket-accept', 'x')
        .append('set-cookie', 'a=1')
        .append('set-cookie', 'b=2')
      return reply
    }
    gateway = await serve(tagged, { port: 0, host: '127.0.0.1' })
    const socket = new WebSocket(gateway.url.replace('http', 'ws'))
    clients.push(socket)
    const [res] = (await once(socket, 'upgrade')) as [IncomingMessage]
    expect([res.headers['x-request-id'], res.headers['set-cookie']]).toEqual(['7', ['a=1', 'b=2']])
  })
})

describe('a client that does not keep up', () => {
  test('makes the events wait, and gets them all', async () => {
    const { socket, got } = await connected(await started({ maxBufferedBytes: 10_000 }))
    socket.pause()
    const [stream] = origin.open
    const text = `data: ${'x'.repeat(10_000)}\n\n`
    let sent = 0
    const more = () => {
      while (sent < 3_000) {
        sent++
        if (!stream?.write(text)) {
          stream?.once('drain', more)
          return
        }
      }
    }
    more()
    let last = -1
    for (let same = 0; same < 5; ) {
      await delay(20)
      same = sent === last ? same + 1 : 0
      last = sent
    }
    // The buffers of two connections are full, and no more events are read.
    expect(sent).toBeLessThan(2_500)
    socket.resume()
    await until(() => got.length === 3_000)
  })
})

describe('what clients send', () => {
  test('closes with 1003 where nobody takes it', async () => {
    const { socket, closed } = await connected(await started())
    socket.send('x')
    expect(await closed).toBe(1003)
  })

  test('is posted, one after the other, with its type', async () => {
    const { socket } = await connected(await started({ sendTo: proxy(origin.url) }))
    socket.send('{"a":1}')
    socket.send('plain')
    socket.send(Buffer.from([0xff, 1]))
    await until(() => origin.posted.length === 3)
    expect(origin.posted).toEqual([
      { text: '{"a":1}', type: 'application/json', token: undefined },
      { text: 'plain', type: 'text/plain; charset=utf-8', token: undefined },
      { text: '\u00ff\u0001', type: 'application/octet-stream', token: undefined },
    ])
  })

  test('keeps its order, and waits in the client when too much waits here', async () => {
    const order: string[] = []
    let under = 0
    let most = 0
    const slowly: Handler = async (ctx) => {
      most = Math.max(most, ++under)
      order.push(String(ctx.request.body))
      await delay(1)
      under--
      return { status: 204, headers: new HeaderList(), body: null }
    }
    const { socket } = await connected(await started({ sendTo: slowly, maxQueued: 2 }))
    for (let at = 0; at < 100; at++) socket.send(`${at}`)
    await until(() => order.length === 100)
    expect([order, most]).toEqual([Array.from({ length: 100 }, (_, at) => `${at}`), 1])
  })

  test.each<[string, Handler, number]>([
    ['refused', () => ({ status: 413, headers: new HeaderList(), body: 'too much' }), 413],
    [
      'not taken',
      () => {
        throw new Error('no')
      },
      500,
    ],
  ])('and is %s is told', async (_, sendTo, status) => {
    const { socket, got } = await connected(await started({ sendTo }))
    socket.send('x')
    await until(() => got.length === 1)
    expect(JSON.parse(got[0] ?? '')).toEqual({ error: { status } })
    expect(socket.readyState).toBe(WebSocket.OPEN)
  })

  test('closes with 1009 where it is too long', async () => {
    const { socket, closed } = await connected(await started({ sendTo: proxy(origin.url), maxMessageBytes: 100 }))
    socket.send('x'.repeat(101))
    expect(await closed).toBe(1009)
    expect(origin.posted).toEqual([])
  })

  test('goes with the token that the events have told', async () => {
    const { socket, got } = await connected(await started({ sendTo: proxy(origin.url) }))
    origin.say('event: stream\ndata: {"token":"t-1","expiresInMs":1}\n\nevent: stream\ndata: {"other":1}\n\n')
    await until(() => got.length === 1)
    expect(JSON.parse(got[0] ?? '').data).toBe('{"other":1}')
    socket.send('x')
    await until(() => origin.posted.length === 1)
    expect(origin.posted[0]?.token).toBe('t-1')
  })
})

test('both ways in a row are a WebSocket again', async () => {
  await using server = await socketServer((text, socket) => socket.send(`echo ${text}`))
  const events = sseFromWebSocket({ endpoints: server.url, sending: {} })
  gateway = await serve(webSocketFromSse({ from: events, sendTo: events }), { port: 0, host: '127.0.0.1' })
  const { socket, got } = await connected(gateway)
  await until(() => server.sockets.size === 1)
  await delay(10)
  for (const text of ['a', 'b', 'c']) socket.send(text)
  await until(() => got.length === 3)
  expect(got.map((text) => JSON.parse(text).data)).toEqual(['echo a', 'echo b', 'echo c'])
  socket.close()
  await until(() => server.sockets.size === 0 && events.open === 0)
  await events.close()
})

test('a request that is no handshake learns what is spoken here', async () => {
  const answer = await call(webSocketFromSse({ from: proxy(origin.url) }), '/')
  expect([answer.status, answer.headers.get('upgrade')]).toEqual([426, 'websocket'])
})
