import { once } from 'node:events'
import {
  connect,
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { bytesOf, type Context, type HeaderList, PushSource, readableOf } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type ProxyOptions, proxy } from '@gatelet/proxy'
import { call, standstill, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { authority, certificate } from '../../../test/certificates/certificates.ts'
import { ledger } from './support/ledger.ts'
import { until } from './support/until.ts'

type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: string[]) => void

interface Upstream extends AsyncDisposable {
  readonly url: string
  readonly server: Http2Server
  readonly sessions: ServerHttp2Session[]
}

async function upstream(
  answer: Answer,
  at: 'plain' | 'secure' | { socketPath: string } = 'plain',
  settings = {},
): Promise<Upstream> {
  const { cert, key } = certificate('a')
  const server: Http2Server | Http2SecureServer =
    at === 'secure' ? createSecureServer({ cert, key, settings }) : createServer({ settings })
  const sessions: ServerHttp2Session[] = []
  const sockets = new Set<Socket>()
  server.on('session', (session: ServerHttp2Session) => {
    session.on('error', () => {})
    sessions.push(session)
  })
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _: number, raw: string[]) => {
    stream.on('error', () => {})
    answer(stream, headers, raw)
  })
  if (typeof at === 'object') server.listen(at.socketPath)
  else server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: at === 'secure' ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    server: server as Http2Server,
    sessions,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const speaking: ProxyOptions = { http2: true, via: false }

/** Says everything that it has got. */
const echo: Answer = (stream, headers, raw) => {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' })
    stream.end(JSON.stringify({ headers, raw, body: Buffer.concat(chunks).toString() }))
  })
}

const hello: Answer = (stream) => {
  stream.respond({ ':status': 200 })
  stream.end('hello')
}

describe('a request to an upstream of HTTP/2', () => {
  test.each(['plain', 'secure'] as const)('has its head translated, over a %s connection', async (at) => {
    await using server = await upstream(echo, at)
    const handler = proxy(server.url, { ...speaking, tls: { ca: authority } })
    const headers: [string, string][] = [
      ['Host', 'client.test'],
      ['Connection', 'keep-alive'],
      ['TE', 'gzip, trailers'],
      ['Upgrade', 'h2c'],
      ['Cookie', 'a=1'],
      ['cookie', 'b=2'],
      ['X-Twice', '1'],
      ['x-twice', '2'],
      ['Authorization', 'a'],
      ['authorization', 'b'],
      ['X-Latin', '\xe9'],
    ]
    const reply = await call(handler, { method: 'PUT', url: '/a?b=c', headers: headers as never, body: 'hi' })
    const { headers: got, body, raw } = await reply.json<{ headers: Record<string, string>; body: string; raw: string[] }>()
    const { host } = new URL(server.url)
    expect(got).toMatchObject({
      ':method': 'PUT',
      ':path': '/a?b=c',
      ':authority': host,
      ':scheme': at === 'secure' ? 'https' : 'http',
      te: 'trailers',
      cookie: 'a=1; b=2',
      'x-twice': '1, 2',
      'content-length': '2',
      'x-forwarded-host': 'client.test',
      'x-latin': '\xe9',
    })
    expect(raw.filter((name, index) => index % 2 === 0 && name === 'authorization')).toHaveLength(1)
    for (const name of ['connection', 'upgrade', 'host', 'keep-alive', 'transfer-encoding']) expect(got).not.toHaveProperty(name)
    expect(body).toBe('hi')
    await handler.close()
  })

  test('names the client’s host where that is wanted', async () => {
    await using server = await upstream(echo)
    const handler = proxy(server.url, { ...speaking, host: 'preserve' })
    const { headers } = await (await call(handler, { headers: { host: 'client.test' } })).json<{
      headers: Record<string, string>
    }>()
    expect(headers[':authority']).toBe('client.test')
    await handler.close()
  })

  test('shares one connection with others, and sessions end when they are not used', async () => {
    const clock = virtualClock()
    await using server = await upstream(echo)
    const handler = proxy(server.url, { ...speaking, clock })
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, at) => call(handler, { method: 'POST', body: `number ${at}` })),
    )
    const bodies = await Promise.all(replies.map(async (reply) => (await reply.json<{ body: string }>()).body))
    expect(bodies).toEqual(Array.from({ length: 40 }, (_, at) => `number ${at}`))
    expect(server.sessions).toHaveLength(1)
    await clock.advance(4_001)
    await until(() => server.sessions[0]?.closed)
    await handler.close()
  })

  test('waits its turn where the upstream allows few at once', async () => {
    let open = 0
    let most = 0
    await using server = await upstream(
      (stream) => {
        most = Math.max(most, ++open)
        setTimeout(() => {
          open--
          stream.respond({ ':status': 200 })
          stream.end('x')
        }, 5)
      },
      'plain',
      { maxConcurrentStreams: 3 },
    )
    const handler = proxy(server.url, { ...speaking, connections: 1 })
    const first = await call(handler, '/')
    await first.text()
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await call(handler, '/')).status))
    expect(statuses).toEqual(Array.from({ length: 20 }, () => 200))
    expect(most).toBeLessThanOrEqual(3)
    await handler.close()
  })

  test('streams what it does not know the length of, at the pace of the upstream', async () => {
    let received = 0
    let goOn = () => {}
    await using server = await upstream((stream) => {
      goOn = () => {
        stream.on('data', (chunk: Buffer) => {
          received += chunk.byteLength
        })
        stream.on('end', () => {
          stream.respond({ ':status': 200 })
          stream.end(String(received))
        })
      }
    })
    let produced = 0
    const body = Readable.from(
      (function* () {
        for (; produced < 2_000; produced++) yield Buffer.alloc(4_096)
      })(),
    )
    const handler = proxy(server.url, speaking)
    const answering = call(handler, { method: 'POST', body })
    await until(() => produced > 10 && server.sessions.length > 0)
    await standstill(() => produced)
    expect(produced).toBeLessThan(1_000)
    goOn()
    expect(await (await answering).text()).toBe(String(2_000 * 4_096))
    await handler.close()
  })
})

describe('an answer of HTTP/2', () => {
  test('comes with interim answers before and trailers behind it', async () => {
    await using server = await upstream((stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</a.css>' })
      stream.respond({ ':status': 200, 'set-cookie': ['a=1', 'b=2'] }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end('hello')
    })
    const handler = proxy(server.url, speaking)
    const hints: [number, HeaderList][] = []
    let trailers: HeaderList | undefined
    const reply = await call(async (ctx: Context) => {
      const noting: Context = Object.create(ctx, {
        inform: { value: (status: number, headers: HeaderList) => hints.push([status, headers]) },
      })
      const answer = await handler(noting)
      const text = await new Promise<string>((resolve, reject) => {
        const chunks: Uint8Array[] = []
        ;(answer.body as PushSource).pipeTo({
          write: (chunk) => chunks.push(chunk) > 0,
          end(given) {
            trailers = given
            resolve(Buffer.concat(chunks).toString())
          },
          fail: reject,
        })
      })
      return { status: answer.status, headers: answer.headers, body: text }
    }, '/')
    expect(await reply.text()).toBe('hello')
    expect(reply.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(hints.map(([status, headers]) => [status, headers.get('link')])).toEqual([[103, '</a.css>']])
    expect(trailers?.get('grpc-status')).toBe('0')
    await handler.close()
  })

  test.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('to %s with %i has no body', async (method, status) => {
    await using server = await upstream((stream) => stream.respond({ ':status': status, etag: '"1"' }, { endStream: true }))
    const handler = proxy(server.url, speaking)
    const reply = await call(handler, { method })
    expect([reply.status, await reply.text(), reply.headers.get('etag')]).toEqual([status, '', '"1"'])
    await handler.close()
  })

  test('that nobody reads on pauses the upstream', async () => {
    let written = 0
    await using server = await upstream((stream) => {
      stream.respond({ ':status': 200 })
      for (let i = 0; i < 200; i++) stream.write(Buffer.alloc(16_384), () => (written += 16_384))
      stream.end()
    })
    const handler = proxy(server.url, speaking)
    let size = 0
    const reply = await call(async (ctx) => {
      const answer = await handler(ctx)
      const body = readableOf(answer.body)
      await standstill(() => written)
      expect(written).toBeLessThan(1_000_000)
      for await (const chunk of body) size += (chunk as Buffer).byteLength
      return { ...answer, headers: answer.headers, status: 200, body: 'done' }
    }, '/')
    expect([await reply.text(), size]).toEqual(['done', 200 * 16_384])
    await handler.close()
  })

  test('before the end of the request is passed on, and the rest is not sent', async () => {
    await using server = await upstream((stream) => {
      stream.respond({ ':status': 413 })
      stream.end('enough')
    })
    const handler = proxy(server.url, speaking)
    const body = new PushSource({ start: () => void body.push(Buffer.from('x')), pause() {}, resume() {}, cancel() {} })
    const reply = await call(handler, { method: 'POST', body: readableOf(body) })
    expect([reply.status, await reply.text()]).toEqual([413, 'enough'])
    await handler.close()
  })
})

describe('an upstream of HTTP/2 that', () => {
  /** Two endpoints of which the first behaves as told. */
  async function pair(first: Answer, request: Parameters<typeof call>[1], options: ProxyOptions = {}) {
    await using bad = await upstream(first)
    await using good = await upstream(hello)
    const balancer = ledger([bad.url, good.url])
    const handler = proxy(balancer, { ...speaking, ...options })
    const reply = await call(handler, request)
    const told = { status: reply.status, text: await reply.text().catch((error: Error) => String(error)), kinds: balancer.kinds }
    await handler.close()
    expect(balancer.open).toBe(0)
    return told
  }

  const refuse: Answer = (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM)
  const reset: Answer = (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR)

  test('refuses a stream has done nothing, so that even a POST goes to another', async () => {
    expect(await pair(refuse, { method: 'POST', body: 'x' })).toEqual({
      status: 200,
      text: 'hello',
      kinds: ['failure', 'success'],
    })
  })

  test('resets a stream may have done something: a GET goes to another, a POST does not', async () => {
    expect(await pair(reset, '/')).toMatchObject({ status: 200, text: 'hello' })
    const post = await pair(reset, { method: 'POST', body: 'x' })
    expect([post.status, JSON.parse(post.text).code]).toEqual([502, 'UPSTREAM_RESET'])
  })

  test('breaks off its answer breaks ours off', async () => {
    const { status, text } = await pair((stream) => {
      stream.respond({ ':status': 200 })
      // `close` would end it in order first.
      stream.write('some', () => setImmediate(() => stream.destroy(new Error('broken'))))
    }, '/')
    expect([status, text]).toEqual([200, expect.stringMatching(/error|broke/i)])
  })

  test('does not answer in time is given up, and only that request is', async () => {
    const clock = virtualClock()
    await using server = await upstream((stream, headers) => {
      if (headers[':path'] === '/good') hello(stream, headers, [])
    })
    const handler = proxy(server.url, { ...speaking, clock, retries: 0 })
    const slow = call(handler, { method: 'POST', body: 'x' })
    expect(await (await call(handler, '/good')).text()).toBe('hello')
    await clock.advance(16_000)
    expect((await (await slow).json<{ code: string }>()).code).toBe('UPSTREAM_HEADERS_TIMEOUT')
    expect(await (await call(handler, '/good')).text()).toBe('hello')
    expect(server.sessions).toHaveLength(1)
    await handler.close()
  })

  test('stops in the middle of its answer is given up', async () => {
    const clock = virtualClock()
    await using server = await upstream((stream) => {
      stream.respond({ ':status': 200 })
      stream.write('some')
    })
    const handler = proxy(server.url, { ...speaking, clock })
    const reply = await call(handler, '/')
    const text = reply.text().catch((error: { code?: string }) => error)
    await new Promise(setImmediate)
    await clock.advance(31_000)
    expect(await text).toMatchObject({ message: expect.stringContaining('middle') })
    await handler.close()
  })

  test('says that it goes away is not asked again on that connection, and what it has begun is answered', async () => {
    const open: ServerHttp2Stream[] = []
    await using server = await upstream((stream, headers) => {
      if (headers[':path'] === '/slow') open.push(stream)
      else hello(stream, headers, [])
    })
    const handler = proxy(server.url, speaking)
    const slow = call(handler, { url: '/slow', method: 'POST', body: 'x' })
    await until(() => open.length === 1)
    server.sessions[0]?.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1)
    await new Promise((resolve) => server.sessions[0]?.ping(resolve))
    expect(await (await call(handler, '/')).text()).toBe('hello')
    expect(server.sessions).toHaveLength(2)
    hello(open[0] as ServerHttp2Stream, {}, [])
    expect(await (await slow).text()).toBe('hello')
    await until(() => server.sessions[0]?.closed)
    await handler.close()
  })

  test('goes away without having looked at a request is asked again on another connection, even a POST', async () => {
    let asked = 0
    await using server = await upstream((stream, headers) => {
      // As if it had come behind the last one that is served.
      if (++asked === 2) stream.session?.goaway(constants.NGHTTP2_NO_ERROR, stream.id ? stream.id - 2 : 0)
      else hello(stream, headers, [])
    })
    const handler = proxy(server.url, speaking)
    await (await call(handler, '/')).text()
    const reply = await call(handler, { method: 'POST', body: 'x' })
    expect([reply.status, await reply.text(), asked, server.sessions.length]).toEqual([200, 'hello', 3, 2])
    await handler.close()
  })

  test('is gone, or speaks HTTP/1 only, is told apart', async () => {
    const gone = await call(proxy('http://127.0.0.1:1', speaking), '/')
    expect((await gone.json<{ code: string }>()).code).toBe('UPSTREAM_CONNECT_FAILED')
    const { createServer: createPlain } = await import('node:https')
    const { cert, key } = certificate('a')
    const old = createPlain({ cert, key }, (_, res) => res.end('old')).listen(0, '127.0.0.1')
    await once(old, 'listening')
    const url = `https://localhost:${(old.address() as AddressInfo).port}`
    const reply = await call(proxy(url, { ...speaking, tls: { ca: authority } }), '/')
    expect((await reply.json<{ code: string }>()).code).toBe('UPSTREAM_TLS')
    old.close()
  })

  test('answers nonsense, or drops the connection in the middle, does no harm to the process', async () => {
    const { createServer: createTcp } = await import('node:net')
    for (const nonsense of ['HTTP/1.1 200 OK\r\n\r\n', '\x00\x00\x00\x04\x00\x00\x00\x00\x00\xff\xff\xff', '']) {
      const server = createTcp((socket) => {
        socket.on('error', () => {})
        socket.end(nonsense, 'latin1')
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const handler = proxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { ...speaking, retries: 0 })
      expect((await call(handler, { method: 'POST', body: 'x' })).status).toBe(502)
      await handler.close()
      server.close()
    }
  })
})

test('a client that leaves resets its stream at the upstream, and no other', async () => {
  const codes: (number | undefined)[] = []
  await using server = await upstream((stream, headers) => {
    if (headers[':path'] === '/good') hello(stream, headers, [])
    stream.on('close', () => codes.push(stream.rstCode))
  })
  const balancer = ledger([server.url])
  const handler = proxy(balancer, speaking)
  const leaving = new AbortController()
  const left = call((ctx) => handler(ctx.withSignal(leaving.signal)), '/')
  await until(() => server.sessions.length === 1 && balancer.open === 1)
  await (await call(handler, '/good')).text()
  leaving.abort()
  expect((await left).status).toBe(499)
  await until(() => codes.length === 2)
  expect(codes).toContain(constants.NGHTTP2_CANCEL)
  expect(await (await call(handler, '/good')).text()).toBe('hello')
  expect([server.sessions.length, balancer.open]).toEqual([1, 0])
  await handler.close()
})

test('an upstream of HTTP/2 may be behind a Unix socket', async () => {
  const socketPath = join(tmpdir(), `gatelet-h2-${process.pid}.sock`)
  await using server = await upstream(hello, { socketPath })
  const handler = proxy(ledger([{ origin: new URL('http://app.test'), socketPath }]), speaking)
  const reply = await call(handler, '/')
  expect(Buffer.from(await bytesOf(await reply.text(), 100)).toString()).toBe('hello')
  expect(server.sessions).toHaveLength(1)
  await handler.close()
})

test('a call goes both ways at once, from client to upstream by HTTP/2, with trailers at its end', async () => {
  await using server = await upstream((stream, headers) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'x-te': String(headers.te) }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.on('data', (chunk: Buffer) => stream.write(chunk.toString().toUpperCase()))
    stream.on('end', () => stream.end())
  })
  const handler = proxy(server.url, speaking)
  await using gateway = await serve(handler, { host: '127.0.0.1', port: 0, http2: true })
  const client = connect(gateway.url)
  const stream = client.request({ ':method': 'POST', ':path': '/svc/Call', te: 'trailers' }, { endStream: false })
  let trailers: IncomingHttpHeaders = {}
  stream.on('trailers', (given) => {
    trailers = given
  })
  const answered = once(stream, 'response')
  for (const word of ['one', 'two', 'three']) {
    stream.write(word)
    expect(String((await once(stream, 'data'))[0])).toBe(word.toUpperCase())
  }
  expect((await answered)[0]).toMatchObject({ ':status': 200, 'x-te': 'trailers' })
  stream.end()
  await once(stream, 'close')
  expect([trailers['grpc-status'], stream.rstCode]).toEqual(['0', 0])
  client.destroy()
  await handler.close()
})
