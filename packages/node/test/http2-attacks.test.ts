import { once } from 'node:events'
import { constants } from 'node:http2'
import { bytesOf, HeaderList, PushSource, text } from '@gatelet/core'
import { standstill, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { answerOf, ask, session } from './http2-client.ts'
import { codeOf, fields, frame, get, RawHttp2, types, uint32 } from './raw-http2.ts'
import { deferred, later, serving, until } from './serving.ts'

const speaking = { http2: true } as const

/** SETTINGS_INITIAL_WINDOW_SIZE of 0: no reply may have a body until the client says so. */
const noWindow = Buffer.concat([Buffer.from([0, 4]), uint32(0)])

describe('what a client does to a connection of HTTP/2', () => {
  /** A server that answers /good beside the attack, and a check that it still does. */
  async function attacked(options: Parameters<typeof serving>[1] = speaking) {
    const server = await serving((ctx) => {
      return ctx.request.url.path === '/good' ? text('good') : new Promise<never>(() => {})
    }, options)
    const lives = async () => {
      await using client = session(server)
      expect((await ask(client, { ':path': '/good' })).body).toBe('good')
    }
    return { server, lives }
  }

  test('many streams reset before their replies end it with ENHANCE_YOUR_CALM', async () => {
    const { server, lives } = await attacked({ http2: { maxResets: 50 } })
    await using _ = server
    await using client = new RawHttp2(server.port)
    for (let i = 0; i < 60; i++) client.write(get(2 * i + 1), frame('reset', 0, 2 * i + 1, uint32(constants.NGHTTP2_CANCEL)))
    expect(codeOf(await client.frame('goaway'))).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    await client.closed()
    await lives()
  })

  test('some resets are no attack, and are forgotten after ten seconds', async () => {
    const clock = virtualClock()
    const { server } = await attacked({ http2: { maxResets: 5 }, clock })
    await using _ = server
    await using client = new RawHttp2(server.port)
    let id = 1
    for (let round = 1; round <= 3; round++) {
      for (let i = 0; i < 5; i++, id += 2) client.write(get(id), frame('reset', 0, id, uint32(constants.NGHTTP2_CANCEL)))
      client.write(frame('ping', 0, 0, Buffer.alloc(8, round)))
      await client.frame('ping', ({ payload }) => payload[0] === round)
      await clock.advance(10_001)
    }
    expect(client.frames.filter(({ type }) => type === types.goaway)).toEqual([])
  })

  test('a head without an end (CONTINUATION flood) ends it', async () => {
    const { server, lives } = await attacked()
    await using _ = server
    await using client = new RawHttp2(server.port)
    client.write(get(1, [], 1))
    for (let i = 0; i < 200; i++) client.write(frame('continuation', 0, 1, fields([[`x-${i}`, 'a'.repeat(1_000)]])))
    await client.closed()
    await lives()
  })

  test('a head beyond maxHeaderBytes gets 431, a much longer one nothing', async () => {
    const { server, lives } = await attacked({ http2: true, maxHeaderBytes: 2_048 })
    await using _ = server
    await using client = session(server)
    expect((await ask(client, { 'x-long': 'a'.repeat(3_000) })).headers[':status']).toBe(431)
    const raw = new RawHttp2(server.port)
    await raw.frame('settings')
    const long = Array.from({ length: 5 }, (_, i) => [`x-${i}`, 'a'.repeat(3_000)] as const)
    raw.write(frame('settings', 1, 0), get(1, long), get(3, long, 1))
    raw.write(frame('continuation', 0, 3, fields(long)), frame('continuation', 4, 3, fields(long)))
    await raw.frame('headers', ({ id }) => id === 1)
    expect(codeOf(await raw.frame('reset', ({ id }) => id === 3))).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    await raw[Symbol.asyncDispose]()
    await lives()
  })

  test('a thousand header fields get 431', async () => {
    const { server } = await attacked()
    await using _ = server
    await using client = new RawHttp2(server.port)
    client.write(
      get(
        1,
        Array.from({ length: 998 }, () => ['a', '1'] as const),
      ),
    )
    await client.frame('headers', ({ id }) => id === 1)
    expect((await client.frame('data')).payload.toString()).toContain('HEADERS_TOO_LARGE')
  })

  test.each([
    ['settings', frame('settings', 0, 0, Buffer.from([0, 4, 0, 0, 255, 255]))],
    ['pings', frame('ping', 0, 0, Buffer.alloc(8))],
    ['empty data', frame('data', 0, 1)],
    ['windows', frame('windowUpdate', 0, 0, uint32(1))],
    ['priorities', frame('priority', 0, 3, Buffer.from([0, 0, 0, 0, 16]))],
    ['frames of no known kind', frame('unknown', 0, 0, Buffer.alloc(10))],
  ])('a flood of %s, whose answers it does not read, ends it or does no harm', async (_, one) => {
    const { server, lives } = await attacked()
    await using _server = server
    await using client = new RawHttp2(server.port)
    client.write(get(1, [], 4))
    await client.frame('settings')
    client.socket.pause()
    const before = process.memoryUsage()
    const flood = Buffer.concat(Array.from({ length: 1_000 }, () => one))
    for (let i = 0; i < 200 && !client.isClosed; i++) {
      client.write(flood)
      await new Promise(setImmediate)
    }
    await lives()
    const { rss, arrayBuffers } = process.memoryUsage()
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(50e6)
    expect(rss - before.rss).toBeLessThan(200e6)
  })

  test('windows that never open hold what waits for them to the bound of the session', async () => {
    const server = await serving(() => text('x'.repeat(1_000_000)), { http2: { maxSessionMegabytes: 5 } })
    await using _ = server
    await using client = new RawHttp2(server.port)
    client.write(frame('settings', 0, 0, noWindow))
    await client.frame('settings')
    for (let id = 1; id <= 199; id += 2) {
      client.write(get(id))
      await new Promise(setImmediate)
    }
    expect(codeOf(await client.frame('reset'))).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    await standstill(() => client.frames.length)
    const answered = client.frames.filter(({ type }) => type === types.headers).length
    expect([4, 5, 6]).toContain(answered)
  })

  test('windows that never open stop the producers of replies, whatever there are of them', async () => {
    let pushed = 0
    const handler = () => {
      const fill = () => {
        while (body.push(Buffer.alloc(16_384))) pushed += 16_384
        pushed += 16_384
      }
      const body: PushSource = new PushSource({ start: () => setImmediate(fill), pause() {}, resume: fill, cancel() {} })
      return { status: 200, headers: new HeaderList(), body }
    }
    await using server = await serving(handler, speaking)
    await using client = new RawHttp2(server.port)
    client.write(frame('settings', 0, 0, noWindow))
    await client.frame('settings')
    for (let id = 1; id <= 255; id += 2) client.write(get(id))
    await until(() => client.frames.filter(({ type }) => type === types.headers).length === 128)
    await standstill(() => pushed)
    expect(pushed / 128).toBeLessThanOrEqual(65_536)
    await client[Symbol.asyncDispose]()
    expect(new Set(await server.ended(128))).toEqual(new Set(['aborted 200']))
  })

  test.each([
    ['with a body', 'aborted 200', text('x')],
    ['without one', 'finished 204', { status: 204, headers: new HeaderList(), body: null }],
  ])('a connection error behind which it stays keeps neither a reply %s nor the connection', async (_, end, reply) => {
    const clock = virtualClock()
    const go = deferred()
    let begun = 0
    const handler = async () => {
      begun++
      await go.promise
      return reply
    }
    await using server = await serving(handler, { http2: true, clock, stallTimeoutMs: 5_000 })
    await using client = new RawHttp2(server.port)
    await client.frame('settings')
    client.write(frame('settings', 1, 0), get(1))
    await until(() => begun === 1)
    // Data behind its own end: a connection error, which ends nothing but what is said on the connection.
    client.write(frame('data', 0, 1, Buffer.from('x')))
    expect(codeOf(await client.frame('goaway'))).toBe(constants.NGHTTP2_STREAM_CLOSED)
    go.resolve()
    for (let i = 0; i < 80; i++) {
      await clock.advance(1_000)
      await new Promise(setImmediate)
    }
    expect(await server.ended(1)).toEqual([end])
    await client.closed()
    expect(server.connections).toBe(0)
  })

  test('nothing, for keepAliveTimeoutMs, closes it; for headersTimeoutMs before the first request', async () => {
    const clock = virtualClock()
    const { server } = await attacked({ http2: true, clock })
    await using _ = server
    await using silent = new RawHttp2(server.port)
    await using client = session(server)
    expect((await ask(client, { ':path': '/good' })).body).toBe('good')
    await silent.frame('settings')
    await clock.advance(11_000)
    await silent.frame('goaway')
    await clock.advance(1_000)
    await silent.closed()
    await clock.advance(45_000)
    expect(client.closed).toBe(false)
    await clock.advance(10_000)
    await until(() => client.closed)
  })

  test('an upload that stands still is a timeout, and so is a reply that is not taken', async () => {
    const clock = virtualClock()
    await using server = await serving(
      async (ctx) => {
        if (ctx.request.method === 'POST') await bytesOf(ctx.request.body, 10)
        return { status: 200, headers: new HeaderList(), body: later('x'.repeat(100_000), 'y'.repeat(100_000)) }
      },
      { http2: true, clock, stallTimeoutMs: 5_000 },
    )
    await using client = session(server)
    const upload = client.request({ ':method': 'POST' }, { endStream: false })
    const answer = answerOf(upload)
    upload.write('x')
    const unread = client.request({})
    await once(unread, 'response')
    unread.on('error', () => {})
    // Whatever it looks at, it looks at it twice.
    for (let i = 0; i < 40; i++) {
      await clock.advance(1_000)
      await new Promise(setImmediate)
    }
    expect((await answer).headers[':status']).toBe(408)
    await until(() => unread.closed || unread.destroyed)
    expect(await server.ended(2)).toContain('finished 408')
  })
})
