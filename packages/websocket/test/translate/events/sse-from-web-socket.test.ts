import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Outcome } from '@gatelet/core'
import { type RunningServer, serve } from '@gatelet/node'
import { call, exchange, virtualClock } from '@gatelet/testing'
import { type SseFromWebSocket, type SseFromWebSocketOptions, sseFromWebSocket } from '@gatelet/websocket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { type SocketServer, socketServer, until } from '../socket-server.ts'
import { eventClient } from './event-client.ts'

let server: SocketServer
let gateway: RunningServer | undefined
let handler: SseFromWebSocket | undefined

beforeEach(async () => {
  server = await socketServer(() => {})
})

afterEach(async () => {
  await handler?.close()
  await gateway?.close({ graceMs: 0 })
  gateway = handler = undefined
  await server[Symbol.asyncDispose]()
})

async function started(options: Partial<SseFromWebSocketOptions> = {}): Promise<string> {
  handler = sseFromWebSocket({ endpoints: server.url, ...options })
  gateway = await serve(handler, { port: 0, host: '127.0.0.1' })
  return gateway.url
}

const only = () => [...server.sockets][0] as WebSocket

describe('a stream', () => {
  test('is the messages of a connection of its own', async () => {
    const url = await started()
    await using ada = await eventClient(`${url}/a?room=1`)
    await using bob = await eventClient(`${url}/b`)
    expect([ada.status, ada.headers['content-type'], ada.headers['cache-control'], ada.headers['x-accel-buffering']]).toEqual([
      200,
      'text/event-stream',
      'no-store, no-transform',
      'no',
    ])
    await until(() => server.sockets.size === 2)
    const [toAda, toBob] = [...server.sockets]
    toAda?.send('one')
    toBob?.send(Buffer.from([1, 2]))
    expect(await ada.count(1)).toEqual([{ event: 'message', data: 'one', id: '' }])
    expect(await bob.count(1)).toEqual([{ event: 'binary', data: 'AQI=', id: '' }])
    expect(server.handshakes.map(({ url }) => url)).toEqual(['/a?room=1', '/b'])
  })

  test('has what the server says at once, in the same packet as its handshake', async () => {
    server.onOpen = (socket) => {
      for (let at = 0; at < 50; at++) socket.send(`${at}`)
    }
    const url = await started()
    for (let tries = 0; tries < 10; tries++) {
      await using client = await eventClient(url)
      expect((await client.count(50)).map(({ data }) => data)).toEqual(Array.from({ length: 50 }, (_, at) => `${at}`))
    }
  })

  test('cannot be forged by what is in a message', async () => {
    const url = await started()
    await using client = await eventClient(url)
    await until(() => server.sockets.size === 1)
    only().send('a\n\nevent: admin\ndata: b\r\rid: 7\r\n\r\ndata: c\0')
    only().send('end')
    await client.count(2)
    expect(client.events).toEqual([
      { event: 'message', data: 'a\n\nevent: admin\ndata: b\n\nid: 7\n\ndata: c\0', id: '' },
      { event: 'message', data: 'end', id: '' },
    ])
  })

  test('has the events that the option makes of a message', async () => {
    const url = await started({
      toEvents: (frame) => {
        const { kind, seq, items } = JSON.parse(String(frame))
        return kind === 'skip' ? undefined : items.map((data: unknown, at: number) => ({ event: kind, id: `${seq}.${at}`, data }))
      },
    })
    await using client = await eventClient(url)
    await until(() => server.sockets.size === 1)
    only().send('{"kind":"skip"}')
    only().send('{"kind":"price","seq":4,"items":[{"a":1},"x"]}')
    only().send('{"kind":"bad\\nname","seq":"5\\u0000","items":["y"]}')
    expect(await client.count(3)).toEqual([
      { event: 'price', data: '{"a":1}', id: '4.0' },
      { event: 'price', data: 'x', id: '4.1' },
      { event: 'message', data: 'y', id: '4.1' },
    ])
  })

  test('is broken off where a message cannot be made an event', async () => {
    const url = await started({ toEvents: (frame) => JSON.parse(String(frame)) })
    await using client = await eventClient(url)
    await until(() => server.sockets.size === 1)
    only().send('no json')
    await until(() => client.ended === 'broken' && server.sockets.size === 0)
    expect(handler?.open).toBe(0)
  })

  test('tells the server who asks, and from where on', async () => {
    const url = await started({
      subscribe: ({ request }, lastEventId) => [`topic ${request.url.search}`, `from ${lastEventId}`],
      protocols: ['prices'],
    })
    await using _ = await eventClient(`${url}/x?t=tea`, {
      authorization: 'Bearer x',
      cookie: 'a=1',
      origin: 'https://shop.example',
      'last-event-id': '41',
      connection: 'keep-alive',
    })
    await using __ = await eventClient(url)
    await until(() => server.messages.length === 4)
    expect(server.messages.slice(0, 2)).toEqual(['topic ?t=tea', 'from 41'])
    expect(server.messages.slice(2)).toEqual(['topic ', 'from undefined'])
    expect(server.handshakes[0]?.headers).toMatchObject({
      authorization: 'Bearer x',
      cookie: 'a=1',
      origin: 'https://shop.example',
      'last-event-id': '41',
      'x-forwarded-for': '127.0.0.1',
      'sec-websocket-protocol': 'prices',
    })
  })

  test('asks what the options say', async () => {
    const url = await started({ path: () => '/feed', headers: () => ({ 'x-key': '7' }) })
    await using _ = await eventClient(`${url}/else`, { cookie: 'a=1' })
    const { url: path, headers } = server.handshakes[0] ?? {}
    expect([path, headers?.['x-key'], headers?.cookie]).toEqual(['/feed', '7', undefined])
  })

  test('has signs of life', async () => {
    const url = await started({ heartbeatMs: 20 })
    await using client = await eventClient(url)
    await until(() => client.text.includes(': ping\n\n: ping\n\n'))
    expect(client.events).toEqual([])
  })
})

describe('ends', () => {
  // Fault of the oldest proxies: whom nobody reads goes on for ever.
  test('at the server within 50 ms of the client’s leaving, ten times', async () => {
    const url = await started()
    for (let tries = 0; tries < 10; tries++) {
      const client = await eventClient(url)
      await until(() => server.sockets.size === 1)
      only().send('x')
      await client.count(1)
      const closed = new Promise<number>((resolve) => only().once('close', () => resolve(performance.now())))
      const leftAt = performance.now()
      client.leave()
      // Ten times the stated 50 ms at most, as for every liveness bound here: the machine has others to serve.
      expect((await closed) - leftAt).toBeLessThan(500)
    }
    await until(() => handler?.open === 0 && server.sockets.size === 0)
  })

  test('at the server when the client leaves before the connection is open', async () => {
    server.onOpen = () => {}
    const asking = exchange('/')
    handler = sseFromWebSocket({ endpoints: server.url })
    const answer = asking.ask(handler)
    asking.abort()
    expect((await answer).status).toBe(499)
    await until(() => handler?.open === 0 && server.sockets.size === 0)
  })

  test('at the server when nobody reads the reply', async () => {
    handler = sseFromWebSocket({ endpoints: server.url })
    const asking = exchange('/')
    await asking.ask(handler)
    await until(() => server.sockets.size === 1)
    asking.finish()
    await until(() => server.sockets.size === 0)
  })

  test.each([1000, 1001])('in order when the server closes with %d, and the page is told', async (code) => {
    const url = await started()
    await using client = await eventClient(url)
    await until(() => server.sockets.size === 1)
    only().send('last')
    only().close(code, 'that is all')
    await client.count(2)
    expect(client.events[1]).toEqual({ event: 'close', data: JSON.stringify({ code, reason: 'that is all' }), id: '' })
    await until(() => client.ended === 'end')
    expect(client.retries).toEqual([])
  })

  test('with the time to wait when the server is lost', async () => {
    const url = await started()
    await using client = await eventClient(url)
    await until(() => server.sockets.size === 1)
    only().terminate()
    await until(() => client.ended === 'end')
    expect(JSON.parse(client.events[0]?.data ?? '')).toEqual({ code: 1006, reason: '' })
    expect(client.retries.length).toBe(1)
    expect(client.retries[0]).toBeGreaterThanOrEqual(2_000)
    expect(client.retries[0]).toBeLessThanOrEqual(4_000)
  })

  test('with 1009 for the server when a message is larger than may be', async () => {
    const url = await started({ maxMessageBytes: 100 })
    await using client = await eventClient(url)
    await until(() => server.sockets.size === 1)
    only().send('x'.repeat(101))
    await until(() => client.ended === 'end' && server.closes.includes(1009))
  })

  test('when the credentials end, as the principal has it', async () => {
    const clock = virtualClock()
    handler = sseFromWebSocket({ endpoints: server.url, clock })
    const inner = handler
    const principal = { subject: 'ada', expiresAt: clock.date() + 5_000 }
    gateway = await serve((ctx) => inner(ctx.with({ principal })), { port: 0, host: '127.0.0.1' })
    await using client = await eventClient(gateway.url)
    await until(() => server.sockets.size === 1)
    await clock.advance(4_900)
    expect(client.ended).toBe('open')
    await clock.advance(100)
    await until(() => client.ended === 'end' && server.sockets.size === 0)
  })

  test('when the server goes down', async () => {
    const url = await started()
    await using client = await eventClient(url)
    await until(() => server.sockets.size === 1)
    await gateway?.close({ graceMs: 500 })
    await until(() => client.ended === 'end' && server.sockets.size === 0)
  })

  test('all, when the handler is closed', async () => {
    const url = await started()
    await using client = await eventClient(url)
    await until(() => server.sockets.size === 1)
    await handler?.close()
    await until(() => client.ended === 'end' && server.sockets.size === 0)
    expect(server.closes).toEqual([1001])
    expect((await fetch(url)).status).toBe(503)
  })
})

describe('is not begun', () => {
  test('for who has everything: 204, and no EventSource comes again', async () => {
    const url = await started({ isFinished: async (_, id) => id === '9' })
    const reply = await fetch(url, { headers: { 'last-event-id': '9' } })
    expect(reply.status).toBe(204)
    expect(server.handshakes.length).toBe(0)
    await using client = await eventClient(url, { 'last-event-id': '8' })
    expect(client.status).toBe(200)
  })

  test.each([
    [401, 401],
    [404, 404],
    [429, 429],
    [503, 503],
    [204, 204],
    [302, 502],
    [200, 502],
    [500, 502],
  ])('where the server answers %d: the client gets %d', async (status, told) => {
    await using refusing = await httpServer((_, res) => {
      res.writeHead(status, { 'content-type': 'text/plain', 'retry-after': '7', 'x-secret': '1', location: '/x' })
      res.end(status === 204 ? undefined : 'because')
    })
    const url = await started({ endpoints: refusing.url })
    const reply = await fetch(url, { redirect: 'manual' })
    expect(reply.status).toBe(told)
    if (told === status && told !== 204) expect([reply.headers.get('retry-after'), await reply.text()]).toEqual(['7', 'because'])
    expect(reply.headers.get('x-secret')).toBeNull()
    await until(() => handler?.open === 0)
  })

  test.each<[string, RequestListener]>([
    ['is longer than anybody reads', (_, res) => void res.writeHead(401).end('x'.repeat(100_000))],
    [
      'breaks off',
      (_, res) => {
        res.writeHead(401, { 'content-length': '10' })
        res.write('x', () => res.destroy())
      },
    ],
  ])('where what the server refuses with %s: the client gets 502', async (_, refuse) => {
    await using refusing = await httpServer(refuse)
    const url = await started({ endpoints: refusing.url })
    expect((await fetch(url)).status).toBe(502)
    await until(() => handler?.open === 0)
  })

  test('where the server cannot be reached, but another is asked first', async () => {
    await using other = await socketServer()
    await other.stop()
    const url = await started({ endpoints: [other.url, server.url] })
    for (let tries = 0; tries < 4; tries++) {
      await using client = await eventClient(url)
      expect(client.status).toBe(200)
    }
    await other.start()
    await server.stop()
    await other.stop()
    expect((await fetch(url)).status).toBe(502)
    await server.start()
    await other.start()
  })

  test.each<[string, () => string, string, number]>([
    ['cannot be reached', () => 'http://127.0.0.1:1', 'failure', 502],
    ['agrees', () => server.url, 'success', 200],
  ])('before the balancer knows how it went: where the server %s', async (_, urlOf, kind, status) => {
    const told: string[] = []
    const endpoint = { id: 'a', weight: 1, inflight: 0, metadata: {} }
    const target = { origin: new URL(urlOf()) }
    const answered = (outcome: Outcome) => void told.push(outcome.kind)
    const lease = { endpoint, target, answered, release: () => void told.push('released') }
    const url = await started({ endpoints: { acquire: () => lease, close: async () => {} } })
    const client = await eventClient(url)
    expect(client.status).toBe(status)
    client.leave()
    await until(() => told.length >= 2)
    expect(told.slice(0, 2)).toEqual([kind, 'released'])
  })

  test.each(['path', 'headers', 'expiresAt', 'owner'])('where the option %s throws, and leaves nothing open', async (option) => {
    const thrower = () => {
      throw new Error('no')
    }
    const url = await started(option === 'owner' ? { sending: { owner: thrower } } : { [option]: thrower })
    expect((await fetch(url)).status).toBe(500)
    expect([handler?.open, server.handshakes.length]).toEqual([0, 0])
  })

  test('where a server does not answer the handshake', async () => {
    await using silent = await httpServer(() => {})
    const url = await started({ endpoints: silent.url, connectMs: 50 })
    expect((await fetch(url)).status).toBe(504)
    await until(() => handler?.open === 0)
  })

  test('for more clients than may be', async () => {
    const url = await started({ maxStreams: 1 })
    await using _ = await eventClient(url)
    const reply = await fetch(url)
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '5'])
  })

  test.each([
    ['PUT', 405],
    ['POST', 405],
  ])('by %s', async (method, status) => {
    handler = sseFromWebSocket({ endpoints: server.url })
    const answer = await call(handler, { method, url: '/' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([status, 'GET'])
  })
})

describe('a slow client', () => {
  test('makes the server wait, and gets everything', async () => {
    const url = await started()
    await using client = await eventClient(url)
    await until(() => server.sockets.size === 1)
    client.response.pause()
    const text = 'x'.repeat(10_000)
    let sent = 0
    const more = () => {
      if (sent++ < 3_000) only().send(text, more)
    }
    more()
    let last = -1
    for (let same = 0; same < 5; ) {
      await delay(20)
      same = sent === last ? same + 1 : 0
      last = sent
    }
    // The buffers of two connections are full, and the server is not read any more.
    expect(sent).toBeLessThan(2_500)
    client.response.resume()
    expect((await client.count(3_000)).every(({ data }) => data === text)).toBe(true)
  })
})

describe('sending', () => {
  async function opened(options: Partial<SseFromWebSocketOptions> = {}) {
    const url = await started({ sending: {}, ...options })
    const client = await eventClient(url)
    const [event] = await client.count(1)
    const { token, expiresInMs } = JSON.parse(event?.data ?? '') as { token: string; expiresInMs: number }
    const post = (
      body: string | Uint8Array,
      headers: Record<string, string> = { 'content-type': 'application/json' },
      by = token,
    ) => fetch(url, { method: 'POST', body: body as never, headers: { 'stream-token': by, ...headers } })
    return { url, client, event, token, expiresInMs, post }
  }

  test('is by POST with the token of the stream', async () => {
    const { client, event, token, expiresInMs, post } = await opened()
    await using _ = client
    expect([event?.event, expiresInMs]).toEqual(['stream', 900_000])
    expect(token).toMatch(/^[\w-]{43}$/)
    expect((await post('{"a":1}')).status).toBe(204)
    await until(() => server.messages.length === 1)
    expect(server.messages).toEqual(['{"a":1}'])
  })

  test('sends text as text, and other types as bytes', async () => {
    const { client, post } = await opened()
    await using _ = client
    const kinds: boolean[] = []
    server.onMessage = (_, __, isBinary) => void kinds.push(isBinary)
    for (const type of [
      'text/plain; charset=utf-8',
      'application/problem+json',
      'Application/JSON',
      'application/octet-stream',
      'application/jsonx',
    ])
      await post('x', { 'content-type': type })
    await until(() => kinds.length === 5)
    expect(kinds).toEqual([false, false, false, true, true])
    expect((await post(Uint8Array.of(0xff), { 'content-type': 'text/plain' })).status).toBe(400)
    expect((await post(Uint8Array.of(0xff), { 'content-type': 'image/png' })).status).toBe(204)
  })

  test('needs a token that is known', async () => {
    const { client, token, post, url } = await opened()
    await using _ = client
    for (const wrong of ['', 'x', token.slice(1), `${token}x`]) expect((await post('x', {}, wrong)).status).toBe(403)
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(403)
    expect(server.messages).toEqual([])
  })

  test('reaches the stream of the token, and no other', async () => {
    const { client, url, post } = await opened()
    await using _ = client
    await using other = await eventClient(url)
    await other.count(1)
    const heard: unknown[] = []
    const [first] = [...server.sockets]
    server.onMessage = (text, socket) => void heard.push([text, socket === first])
    await post('mine')
    await until(() => heard.length === 1)
    expect(heard).toEqual([['mine', true]])
  })

  test('ends with the stream', async () => {
    const { client, post } = await opened()
    client.leave()
    await until(() => handler?.open === 0)
    expect((await post('x')).status).toBe(403)
  })

  test('is for the owner of the stream alone, where there is one', async () => {
    const owner = ({ request }: { request: { headers: { get(name: string): string | undefined } } }) =>
      request.headers.get('x-user') ?? ''
    const { client, post } = await opened({ sending: { owner } })
    await using _ = client
    expect((await post('x', { 'x-user': 'eve' })).status).toBe(403)
    expect((await post('x')).status).toBe(204)
  })

  test('is by a new token when the first has expired', async () => {
    const clock = virtualClock()
    const { client, token, post } = await opened({ clock, sending: { tokenMs: 1_000 } })
    await using _ = client
    await clock.advance(500)
    const second = JSON.parse((await client.count(2))[1]?.data ?? '').token
    expect(second).not.toBe(token)
    expect([(await post('x')).status, (await post('x', {}, second)).status]).toEqual([204, 204])
    await clock.advance(500)
    expect([(await post('x')).status, (await post('x', {}, second)).status]).toEqual([403, 204])
    client.leave()
    await until(() => handler?.open === 0)
    await handler?.close()
    expect(clock.pending).toBe(0)
  })

  test('is bounded', async () => {
    const { client, post } = await opened({ maxMessageBytes: 1_000 })
    await using _ = client
    expect((await post('x'.repeat(1_001))).status).toBe(413)
  })

  test('waits for a server that is slow, and says so when too much waits', async () => {
    const { client, post } = await opened({ maxMessageBytes: 50_000_000, maxBufferedBytes: 1_000 })
    await using _ = client
    only().pause()
    let isSent = false
    const big = post('x'.repeat(20_000_000)).then(({ status }) => {
      isSent = true
      return status
    })
    let small = await post('x')
    for (; small.status === 204; small = await post('x')) await delay(5)
    expect([small.status, small.headers.get('retry-after'), isSent]).toEqual([503, '1', false])
    only().resume()
    expect(await big).toBe(204)
  })
})

/** A server that answers every request, upgrades too, by one function. */
async function httpServer(answer: RequestListener) {
  const http = createServer(answer)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}
