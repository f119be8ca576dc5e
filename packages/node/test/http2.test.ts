import { once } from 'node:events'
import { constants, type OutgoingHttpHeaders } from 'node:http2'
import { bytesOf, type Context, HeaderList, type IncomingRequest, PushSource, text } from '@gatelet/core'
import { rawClient, standstill, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { answerOf, ask, session } from './http2-client.ts'
import { codeOf, frame, get, RawHttp2, uint32 } from './raw-http2.ts'
import { deferred, echo, head, later, serving, until } from './serving.ts'

const speaking = { http2: true } as const

describe('a request of HTTP/2', () => {
  test('looks to layers as one of HTTP/1.1 would, with Host and one Cookie', async () => {
    let seen: IncomingRequest | undefined
    await using server = await serving((ctx) => {
      seen = ctx.request
      return text('x')
    }, speaking)
    await using client = session(server)
    await ask(client, { ':path': '/a/../b%41?c=%zz', cookie: ['a=1', 'b=2', 'c=3'], 'x-own': ['1', '2'] })
    expect(seen).toMatchObject({ method: 'GET', kind: 'request', protocol: '2', target: '/a/../b%41?c=%zz' })
    expect({ ...seen?.url }).toEqual({ scheme: 'http', host: 'a.test', port: undefined, path: '/bA', search: '?c=%zz' })
    expect([...(seen?.headers ?? [])]).toEqual([
      ['host', 'a.test'],
      ['cookie', 'a=1; b=2; c=3'],
      ['x-own', '1'],
      ['x-own', '2'],
    ])
    expect(seen?.client.address).toBe('127.0.0.1')
  })

  test.each<[string, OutgoingHttpHeaders, number, string]>([
    ['a Host that names another than :authority', { host: 'evil.test' }, 400, 'BAD_HOST'],
    ['an authority that is none', { ':authority': 'a..test' }, 400, 'BAD_HOST'],
    ['a path without a canonical form', { ':path': '/a//b' }, 400, 'BAD_TARGET'],
    ['an echo', { ':method': 'TRACE' }, 501, 'METHOD_NOT_IMPLEMENTED'],
    ['OPTIONS *', { ':method': 'OPTIONS', ':path': '*' }, 501, 'METHOD_NOT_IMPLEMENTED'],
    ['an unknown expectation', { expect: 'miracles' }, 417, 'EXPECTATION_FAILED'],
  ])('with %s is refused before a layer sees it', async (_, headers, status, code) => {
    let calls = 0
    await using server = await serving(() => {
      calls++
      return text('x')
    }, speaking)
    await using client = session(server)
    const answer = await ask(client, headers)
    expect([answer.headers[':status'], JSON.parse(answer.body).code, calls]).toEqual([status, code, 0])
    // The connection is as good as before.
    expect((await ask(client, {})).body).toBe('x')
  })

  test('whose authority has a user in it is refused, or reset by newer versions of Node', async () => {
    let calls = 0
    await using server = await serving(() => {
      calls++
      return text('x')
    }, speaking)
    await using client = session(server)
    const { headers, code } = await ask(client, { ':authority': 'a.test@evil.test' })
    expect(Number(headers[':status']) === 400 || code === constants.NGHTTP2_PROTOCOL_ERROR).toBe(true)
    expect(calls).toBe(0)
  })

  test('may name its host by Host too, when they agree', async () => {
    await using server = await serving((ctx) => text(ctx.request.headers.getAll('host').join()), speaking)
    await using client = session(server)
    expect((await ask(client, { host: 'A.test:80' })).body).toBe('A.test:80')
  })

  test.each([
    ['connection', 'close'],
    ['transfer-encoding', 'chunked'],
    ['upgrade', 'h2c'],
    ['te', 'gzip'],
    ['X-Upper', '1'],
  ])('with the field %s is malformed (RFC 9113 §8.2), and its stream reset', async (name, value) => {
    let calls = 0
    await using server = await serving(() => {
      calls++
      return text('x')
    }, speaking)
    await using client = new RawHttp2(server.port)
    client.write(get(1, [[name, value]]))
    expect(codeOf(await client.frame('reset'))).toBe(constants.NGHTTP2_PROTOCOL_ERROR)
    client.write(get(3))
    await client.frame('headers', ({ id }) => id === 3)
    expect(calls).toBe(1)
  })

  test('whose body is longer or shorter than it says never looks whole', async () => {
    const ends: string[] = []
    let begun = 0
    await using server = await serving(async (ctx) => {
      begun++
      await bytesOf(ctx.request.body, 1_000).then(
        () => ends.push('whole'),
        () => ends.push('broken'),
      )
      return text('x')
    }, speaking)
    await using client = new RawHttp2(server.port)
    client.write(get(1, [['content-length', '5']], 4), get(3, [['content-length', '2']], 4), get(5, [], 4))
    await until(() => begun === 3)
    client.write(frame('data', 1, 1, Buffer.from('123')), frame('data', 1, 3, Buffer.from('123')))
    client.write(frame('data', 0, 5, Buffer.from('123')), frame('reset', 0, 5, uint32(constants.NGHTTP2_NO_ERROR)))
    await server.ended(3)
    expect(ends).toEqual(['broken', 'broken', 'broken'])
  })
})

describe('a reply on HTTP/2', () => {
  test('has no fields that speak of a connection, and every cookie', async () => {
    const headers = new HeaderList([
      ['Connection', 'keep-alive, x-hop'],
      ['Keep-Alive', 'timeout=5'],
      ['Transfer-Encoding', 'chunked'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['ETag', '"1"'],
      ['etag', '"2"'],
    ])
    await using server = await serving(() => ({ status: 200, headers, body: 'caf\u00e9' }), speaking)
    await using client = session(server)
    const { headers: got, body } = await ask(client, {})
    expect(body).toBe('caf\u00e9')
    expect(Object.keys(got).sort()).toEqual([':status', 'content-length', 'date', 'etag', 'set-cookie'])
    expect([got['set-cookie'], got['content-length'], got.etag]).toEqual([['a=1', 'b=2'], '5', '"1"'])
  })

  test.each([
    [204, 'GET'],
    [304, 'GET'],
    [200, 'HEAD'],
  ])('of %i to %s has no body', async (status, method) => {
    await using server = await serving(() => ({ status, headers: new HeaderList(), body: 'five!' }), speaking)
    await using client = session(server)
    const answer = await ask(client, { ':method': method })
    expect([answer.headers[':status'], answer.body, answer.code]).toEqual([status, '', 0])
    expect(answer.headers['content-length']).toBe(method === 'HEAD' ? '5' : undefined)
    expect(await server.ended(1)).toEqual([`finished ${status}`])
  })

  test('may come after an interim one, and with trailers', async () => {
    await using server = await serving((ctx) => {
      ctx.inform(103, new HeaderList({ Link: '</a.css>; rel=preload' }))
      const body = new PushSource({ start: () => setImmediate(push), pause() {}, resume() {}, cancel() {} })
      const push = () => {
        body.push(Buffer.from('hello'))
        body.end(new HeaderList({ 'X-Sum': '7', 'Content-Length': '5' }))
      }
      return { status: 200, headers: new HeaderList(), body }
    }, speaking)
    await using client = session(server)
    const answer = await ask(client, {})
    expect(answer.interim).toMatchObject([{ ':status': 103, link: '</a.css>; rel=preload' }])
    expect([answer.body, { ...answer.trailers }]).toMatchObject(['hello', { 'x-sum': '7' }])
    expect(answer.trailers['content-length']).toBeUndefined()
  })

  test('has its fields in latin1, byte for byte, as the request had', async () => {
    await using server = await serving(
      ({ request }) => text('x', { headers: { 'x-name': `${request.headers.get('x-name')}\xe9` } }),
      speaking,
    )
    await using client = new RawHttp2(server.port)
    client.write(get(1, [['x-name', '\xc3\xa9']]))
    expect((await client.frame('headers')).payload.toString('latin1')).toContain('\xc3\xa9\xe9')
  })

  test('that breaks off resets its stream, and nothing else', async () => {
    await using server = await serving(({ request }) => {
      if (request.url.path === '/good') return text('good')
      const body = later('some')
      body.end = () => body.fail(new Error('broken'))
      return { status: 200, headers: new HeaderList(), body }
    }, speaking)
    await using client = session(server)
    const broken = await ask(client, { ':path': '/broken' })
    expect([broken.body, broken.code]).toEqual(['some', constants.NGHTTP2_INTERNAL_ERROR])
    expect((await ask(client, { ':path': '/good' })).body).toBe('good')
    expect(await server.ended(2)).toEqual(['failed 200', 'finished 200'])
  })

  test('that is an upgrade is an error of the handler', async () => {
    await using server = await serving(echo, speaking)
    await using client = session(server)
    expect(JSON.parse((await ask(client, {})).body).code).toBe('BAD_REPLY')
  })

  test('comes before the end of an upload, which is then told to stop without an error', async () => {
    await using server = await serving(() => text('enough', 413), speaking)
    await using client = session(server)
    const stream = client.request({ ':method': 'POST' }, { endStream: false })
    stream.write('x')
    const answer = await answerOf(stream)
    expect([answer.headers[':status'], answer.body, answer.code]).toEqual([413, 'enough', constants.NGHTTP2_NO_ERROR])
    expect(await server.ended(1)).toEqual(['finished 413'])
  })
})

describe('streams of HTTP/2', () => {
  test('carry 50 requests at once on one connection', async () => {
    await using server = await serving(
      async (ctx) => text(Buffer.from(await bytesOf(ctx.request.body, 1_000)).toString()),
      speaking,
    )
    await using client = session(server)
    const asked = Array.from({ length: 50 }, (_, at) => ask(client, { ':method': 'POST' }, `number ${at}`))
    expect((await Promise.all(asked)).map(({ body }) => body)).toEqual(Array.from({ length: 50 }, (_, at) => `number ${at}`))
    expect(server.connections).toBe(1)
    await server.ended(50)
  })

  test('pause the producer of a reply that the client does not read, and go on when it does', async () => {
    let paused = 0
    let pushed = 0
    const body: PushSource = new PushSource({
      start: () => setImmediate(fill),
      pause() {},
      resume: () => setImmediate(fill),
      cancel() {},
    })
    const fill = () => {
      for (; pushed < 400; ) {
        pushed++
        if (!body.push(Buffer.alloc(16_384))) {
          paused++
          return
        }
      }
      body.end()
    }
    await using server = await serving(() => ({ status: 200, headers: new HeaderList(), body }), speaking)
    await using client = session(server)
    const stream = client.request({})
    await once(stream, 'response')
    await until(() => paused > 0)
    expect(pushed).toBeLessThan(100)
    let size = 0
    stream.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
    })
    await once(stream, 'close')
    expect(size).toBe(400 * 16_384)
  })

  test('hold a client back whose upload nobody reads', async () => {
    const go = deferred()
    let read = 0
    await using server = await serving(async (ctx) => {
      if (ctx.request.method === 'GET') return text('x')
      await go.promise
      read = (await bytesOf(ctx.request.body, 10_000_000)).byteLength
      return text('x')
    }, speaking)
    await using client = session(server)
    const stream = client.request({ ':method': 'POST' }, { endStream: false })
    let written = 0
    const chunk = Buffer.alloc(65_536)
    const answer = answerOf(stream)
    for (let i = 0; i < 64; i++) stream.write(chunk, () => (written += chunk.byteLength))
    stream.end()
    await standstill(() => written)
    expect(written).toBeLessThan(1_000_000)
    // What one stream holds back, holds nobody else back.
    expect((await ask(client, {})).body).toBe('x')
    go.resolve()
    await answer
    expect(read).toBe(64 * 65_536)
  })

  test('that a client resets abort their exchange, and no other', async () => {
    const contexts: Context[] = []
    let aborts = 0
    await using server = await serving((ctx) => {
      contexts.push(ctx)
      ctx.onAbort(() => aborts++)
      return new Promise<never>(() => {})
    }, speaking)
    await using client = session(server)
    const first = client.request({})
    first.on('error', () => {})
    client.request({}).on('error', () => {})
    await until(() => contexts.length === 2)
    first.close(constants.NGHTTP2_CANCEL)
    expect(await server.ended(1)).toEqual(['aborted 499'])
    expect(aborts).toBe(1)
    client.destroy()
    expect(await server.ended(2)).toEqual(['aborted 499', 'aborted 499'])
    expect(aborts).toBe(2)
  })

  test('beyond maxConcurrentStreams are refused, so that they can be sent again', async () => {
    await using server = await serving(() => new Promise<never>(() => {}), { http2: { maxConcurrentStreams: 2 } })
    await using client = new RawHttp2(server.port)
    client.write(get(1), get(3), get(5))
    const refused = await client.frame('reset')
    expect([refused.id, codeOf(refused)]).toEqual([5, constants.NGHTTP2_REFUSED_STREAM])
  })

  test('beyond the limit that the client has confirmed end its connection', async () => {
    await using server = await serving(() => new Promise<never>(() => {}), { http2: { maxConcurrentStreams: 2 } })
    await using client = new RawHttp2(server.port)
    await client.frame('settings')
    client.write(frame('settings', 1, 0), get(1), get(3), get(5))
    await client.closed()
    expect(await server.ended(2)).toEqual(['aborted 499', 'aborted 499'])
  })
})

describe('closing', () => {
  test('tells clients to go, refuses what they send later, and lets what is open finish', async () => {
    const go = deferred()
    await using server = await serving(async () => {
      await go.promise
      return text('at last')
    }, speaking)
    await using client = new RawHttp2(server.port)
    client.write(get(1))
    await until(() => server.connections === 1 && client.frames.length > 1)
    await new Promise(setImmediate)
    const closed = server.close()
    const { payload } = await client.frame('goaway')
    expect(payload.readUInt32BE(0)).toBe(2 ** 31 - 1)
    await client.frame('goaway', (frame) => frame.payload.readUInt32BE(0) === 1)
    go.resolve()
    await client.frame('data', ({ id }) => id === 1)
    expect(await closed).toEqual({ cut: 0 })
    expect(await server.ended(1)).toEqual(['finished 200'])
  })

  test('cuts what is open after the grace', async () => {
    await using server = await serving(() => new Promise<never>(() => {}), speaking)
    await using client = session(server)
    const answer = ask(client, {})
    await once(client, 'remoteSettings')
    await until(() => server.connections === 1)
    await new Promise((resolve) => client.ping(() => resolve(undefined)))
    const { cut } = await server.close({ graceMs: 0 })
    expect(cut).toBe(1)
    expect((await answer).headers[':status']).toBeUndefined()
    expect(await server.ended(1)).toEqual(['failed 503'])
  })

  test('cuts a client that takes nothing of its reply, too', async () => {
    await using server = await serving(() => text('x'.repeat(10_000_000)), speaking)
    await using client = new RawHttp2(server.port)
    client.write(get(1), frame('windowUpdate', 0, 0, uint32(2 ** 30)), frame('windowUpdate', 0, 1, uint32(2 ** 30)))
    await client.frame('headers', ({ id }) => id === 1)
    client.socket.pause()
    expect(await server.close({ graceMs: 0 })).toEqual({ cut: 1 })
    expect(await server.ended(1)).toEqual(['failed 200'])
  })
})

describe('HTTP/1 on the same port', () => {
  test('is spoken as ever: requests, uploads, WebSockets, first bytes one by one', async () => {
    await using server = await serving(async (ctx) => {
      if (ctx.request.kind === 'upgrade') return echo()
      return text(`${ctx.request.protocol} ${Buffer.from(await bytesOf(ctx.request.body, 100))}`)
    }, speaking)
    await using client = await rawClient(server.port)
    for (const byte of head('POST /', 'Content-Length: 2\r\n')) {
      client.write(byte)
      await new Promise(setImmediate)
    }
    client.write('hi')
    expect((await client.response()).text).toBe('1.1 hi')
    client.write(head('GET /', 'Upgrade: h2c\r\nConnection: Upgrade\r\n'))
    expect((await client.response()).text).toBe('1.1 ')
    await using socket = await rawClient(server.port)
    socket.write(head('GET /', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'))
    expect((await socket.response()).status).toBe(101)
  })

  test('is all that is spoken unless HTTP/2 is asked for', async () => {
    await using server = await serving(() => text('x'))
    await using client = new RawHttp2(server.port)
    await client.closed()
  })

  test('and a PROXY header before either', async () => {
    const handler: Parameters<typeof serving>[0] = ({ request }) => text(`${request.protocol} ${request.client.address}`)
    await using server = await serving(handler, { http2: true, proxyProtocol: { from: ['127.0.0.1'] } })
    const header = 'PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n'
    await using old = await rawClient(server.port)
    old.write(header + head('GET /'))
    expect((await old.response()).text).toBe('1.1 203.0.113.7')
    await using client = new RawHttp2(server.port, Buffer.from(header))
    client.write(get(1))
    expect((await client.frame('data')).payload.toString()).toBe('2 203.0.113.7')
  })

  test('must begin in time', async () => {
    const clock = virtualClock()
    await using server = await serving(() => text('x'), { http2: true, clock })
    await using client = await rawClient(server.port)
    client.write('PR')
    await until(() => server.connections === 1)
    await clock.advance(10_001)
    expect(await client.left()).toMatch(/end|reset/)
  })
})
