import type { Server } from 'node:http'
import { Readable } from 'node:stream'
import { createBalancer } from '@gatelet/balancer'
import {
  bytesOf,
  type Context,
  empty,
  type Flow,
  HeaderList,
  json,
  type Middleware,
  type Reply,
  type Source,
  sourceOf,
  switchProtocols,
  text,
} from '@gatelet/core'
import { type FetchOptions, fromFetch, toFetch } from '@gatelet/fetch'
import { attach, serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { origins, rawClient, rawRequest } from '@gatelet/testing'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { type Listening, listening } from './listening.ts'
import { tap, watched } from './support.ts'

const client = (_: Request, env: HttpBindings) => env.incoming.socket.remoteAddress

/** A Hono application on a socket, with our handler at `/gate/*`. */
async function hono(handler: (ctx: Context) => Reply | Promise<Reply>, options: FetchOptions<HttpBindings> = {}) {
  const { handle, contexts, ends } = watched<HttpBindings>(handler, { client, ...options })
  const app = new Hono<{ Bindings: HttpBindings }>()
    .get('/own', (c) => c.text('own'))
    .all('/gate/*', (c) => handle(c.req.raw, c.env))
  const here = await listening(createAdaptorServer({ fetch: app.fetch }) as Server)
  return { ...here, contexts, ends, [Symbol.asyncDispose]: here[Symbol.asyncDispose] }
}

const replyOf = (status: number, headers: Record<string, string>, body: Reply['body']): Reply => ({
  status,
  headers: new HeaderList(headers),
  body,
})

/** Resolves when `condition` holds; the test's own time limit is the bound. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

describe('inside a Hono application on Node', () => {
  test('answers at its path, and leaves the others', async () => {
    await using app = await hono((ctx) =>
      json({ path: ctx.request.url.path, host: ctx.request.url.host, client: ctx.request.client.address }),
    )
    expect(await (await fetch(`${app.url}/own`)).text()).toBe('own')
    expect(await (await fetch(`${app.url}/gate/%7ex?y`)).json()).toEqual({
      path: '/gate/~x',
      host: '127.0.0.1',
      client: '127.0.0.1',
    })
  })

  test('keeps several cookies, and frames HEAD, 204 and 304 as HTTP demands', async () => {
    await using app = await hono((ctx) => {
      const status = Number(ctx.request.url.path.slice('/gate/'.length))
      const reply = replyOf(status, { etag: '"a"' }, status === 200 ? 'hello' : null)
      reply.headers.append('set-cookie', 'a=1').append('set-cookie', 'b=2')
      return reply
    })
    const get = (method: string, status: number) =>
      rawRequest(app.port, `${method} /gate/${status} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`)
    const full = await get('GET', 200)
    expect([full.responses[0]!.status, full.responses[0]!.headers.getSetCookie(), full.responses[0]!.text]).toEqual([
      200,
      ['a=1', 'b=2'],
      'hello',
    ])
    for (const [method, status, length] of [
      ['HEAD', 200, '5'],
      ['GET', 204, undefined],
      ['GET', 304, undefined],
    ] as const) {
      const { text } = await get(method, status)
      const [head = '', body] = text.split('\r\n\r\n')
      expect([head.split(' ')[1], /content-length: (\d+)/i.exec(head)?.[1], body]).toEqual([String(status), length, ''])
    }
  })

  test('an interim answer and trailers are left out, and the reply is whole', async () => {
    await using app = await hono((ctx) => {
      ctx.inform(103, new HeaderList({ link: '</a.css>; rel=preload' }))
      return text('hello')
    })
    const { responses } = await rawRequest(app.port, 'GET /gate/x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
    expect(responses.map(({ status, text }) => [status, text])).toEqual([[200, 'hello']])
  })

  test('refuses what is doubtful in a path, as far as the host lets it see it', async () => {
    await using app = await hono(() => empty())
    const codeOf = async (path: string) => {
      const { responses } = await rawRequest(app.port, `GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`)
      return responses[0]!.status
    }
    expect(await Promise.all(['/gate/a//b', '/gate/a%2Fb', '/gate/%00', '/gate/..;/x', '/gate/%zz'].map(codeOf))).toEqual([
      400, 400, 400, 400, 400,
    ])
    // Resolved by the host's URL before we see it: `/gate/../x` is not ours any more.
    expect(await codeOf('/gate/../own')).toBe(200)
    expect(app.contexts).toEqual([])
  })

  test('a handshake is answered with 501', async () => {
    await using app = await hono(() => ({ ...empty(), upgrade: () => {} }))
    const head = 'GET /gate/ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    const { responses } = await rawRequest(app.port, head)
    expect(responses[0]!.status).toBe(501)
    expect(JSON.parse(responses[0]!.text).code).toBe('UPGRADE_UNSUPPORTED')
  })

  test('an upload comes in at the pace of who reads it, and is whole', async () => {
    const taken = slowReader()
    let incoming: HttpBindings['incoming'] | undefined
    await using app = await hono(async (ctx) => text(String(await taken.all(sourceOf(ctx.request.body)))), {
      client: (_, env) => {
        incoming = env.incoming
        return undefined
      },
    })
    const uploaded = fetch(`${app.url}/gate/x`, { method: 'POST', body: Buffer.alloc(UPLOAD_BYTES) })
    await taken.isFull
    await traffic(app)
    // All that sockets and streams between us hold, never all of it.
    expect(incoming!.socket.bytesRead).toBeLessThan(UPLOAD_BYTES / 2)
    taken.goOn()
    expect(await (await uploaded).text()).toBe(String(UPLOAD_BYTES))
  })

  test('a reply goes out at the pace of who takes it, and is whole', async () => {
    let made = 0
    const chunk = Buffer.alloc(65_536, 'x')
    const endless = () =>
      Readable.from(
        (function* () {
          for (; made < UPLOAD_BYTES; made += chunk.byteLength) yield chunk
        })(),
      )
    await using app = await hono(() => replyOf(200, { 'content-length': String(UPLOAD_BYTES) }, endless()))
    await using client = await rawClient(app.port)
    client.pause()
    client.write('GET /gate/x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
    await until(() => made > 0)
    await traffic(app)
    expect(made).toBeLessThan(UPLOAD_BYTES / 2)
    client.resume()
    await client.left()
    expect(client.receivedBytes).toBeGreaterThan(UPLOAD_BYTES)
    expect(app.ends).toMatchObject([{ outcome: 'finished', status: 200 }])
  })

  test('a client that leaves in the middle of a reply stops what makes it', async () => {
    const { source, told } = tap()
    await using app = await hono(() => replyOf(200, {}, source))
    await using client = await rawClient(app.port)
    client.write('GET /gate/x HTTP/1.1\r\nHost: a.test\r\n\r\n')
    source.push(Buffer.from('abc'))
    await client.read('abc')
    await client.reset()
    await until(() => app.ends.length > 0)
    expect(told).toContain('cancel')
    expect(app.ends).toMatchObject([{ outcome: 'aborted', status: 200 }])
  })

  test('a client that leaves before the reply is told to the handler', async () => {
    let aborted = 0
    await using app = await hono((ctx) => {
      ctx.onAbort(() => void aborted++)
      return new Promise(() => {})
    })
    await using client = await rawClient(app.port)
    client.write('GET /gate/x HTTP/1.1\r\nHost: a.test\r\n\r\n')
    await until(() => app.contexts.length > 0)
    await client.reset()
    await until(() => app.ends.length > 0)
    expect(aborted).toBe(1)
    expect(app.ends).toMatchObject([{ outcome: 'aborted', status: 499 }])
  })

  test('a client that leaves in the middle of its upload fails who reads it', async () => {
    let failure: unknown
    await using app = await hono(async (ctx) => {
      await bytesOf(ctx.request.body, 1000).catch((error: unknown) => {
        failure = error
      })
      return empty()
    })
    await using client = await rawClient(app.port)
    client.write('POST /gate/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabc')
    await until(() => app.contexts.length > 0)
    await client.reset()
    await until(() => failure !== undefined)
    expect(failure).toMatchObject({ code: 'CLIENT_CLOSED' })
    await until(() => app.ends.length > 0)
    expect(app.ends).toMatchObject([{ outcome: 'aborted' }])
  })

  test('a reply that breaks off is seen to be broken off', async () => {
    const { source } = tap()
    await using app = await hono(() => replyOf(200, { 'content-length': '6' }, source))
    await using client = await rawClient(app.port)
    client.write('GET /gate/x HTTP/1.1\r\nHost: a.test\r\n\r\n')
    source.push(Buffer.from('abc'))
    await client.read('abc')
    source.fail(new Error('gone'))
    await client.left()
    expect(client.received.toString()).toMatch(/abc$/)
    expect(app.ends).toMatchObject([{ outcome: 'failed', status: 200 }])
  })

  test('an early answer to a large upload reaches the client', async () => {
    await using app = await hono(async (ctx) => {
      await bytesOf(ctx.request.body, 1000)
      return empty()
    })
    await using client = await rawClient(app.port)
    client.write(`POST /gate/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(200_000)}`)
    const response = await client.response()
    expect([response.status, JSON.parse(response.text).code]).toEqual([413, 'BODY_TOO_LARGE'])
  })

  test('a balancer and a proxy stand behind it: streams, cookies and failover as anywhere', async () => {
    await using farm = await origins(2, {
      handler: (req, res) => {
        res.setHeader('set-cookie', ['a=1', 'b=2'])
        res.setHeader('x-forwarded', `${req.headers['x-forwarded-for']} ${req.headers.host}`)
        req.pipe(res)
      },
    })
    const balancer = createBalancer({ endpoints: farm.urls })
    const handler = proxy(balancer)
    await using app = await hono(handler)
    const sent = Buffer.alloc(300_000, 'abc')
    const response = await fetch(`${app.url}/gate/x`, { method: 'POST', body: sent })
    expect([response.headers.getSetCookie(), response.headers.get('x-forwarded')?.split(' ')[0]]).toEqual([
      ['a=1', 'b=2'],
      '127.0.0.1',
    ])
    expect(Buffer.from(await response.arrayBuffer()).equals(sent)).toBe(true)
    await farm.stop(0)
    for (let asked = 0; asked < 6; asked++) expect((await fetch(`${app.url}/gate/x`)).status).toBe(200)
    await until(() => app.ends.length === 7)
    expect(app.ends.every(({ outcome }) => outcome === 'finished')).toBe(true)
    expect(balancer.endpoints.map(({ inflight }) => inflight)).toEqual([0, 0])
    await handler.close()
    await balancer.close()
  })
})

test('a whole Hono application stands behind our layers, on node:http', async () => {
  const named: Middleware<{}, { caller: string }> = async (ctx, next) => {
    const reply = await next(ctx.with({ caller: 'ada' }))
    reply.headers.set('x-layer', 'seen')
    return reply
  }
  const app = new Hono()
    .get('/hello', (c) => c.text('hello'))
    .post('/echo', (c) => new Response(c.req.raw.body, { headers: { 'content-type': 'text/x' } }))
  await using server = await serve((ctx, _next) => named(ctx, fromFetch(app.fetch)), {
    host: '127.0.0.1',
    port: 0,
  })
  const hello = await fetch(`${server.url}/hello`)
  expect([hello.headers.get('x-layer'), await hello.text()]).toEqual(['seen', 'hello'])
  const sent = Buffer.alloc(300_000, 'abc')
  const echo = await fetch(`${server.url}/echo`, { method: 'POST', body: sent })
  expect(Buffer.from(await echo.arrayBuffer()).equals(sent)).toBe(true)
  expect((await fetch(`${server.url}/nowhere`)).status).toBe(404)
})

test('upgrades work beside a Hono application, by attaching to its server', async () => {
  const app = new Hono().get('/hello', (c) => c.text('hello'))
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  const upgrade: Reply['upgrade'] = (socket, _head, headers) => {
    switchProtocols(socket, headers)
    socket.end('taken')
  }
  attach(server, () => ({ ...empty(), status: 101, upgrade }), { mount: '/ws' })
  await using here = await listening(server)
  const head = 'GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
  expect((await rawRequest(here.port, head)).text).toMatch(/^HTTP\/1\.1 101 .*taken$/s)
  expect(await (await fetch(`${here.url}/hello`)).text()).toBe('hello')
})

test('ours in front of a whole Hono application, in a fetch host', async () => {
  const app = new Hono().get('/hello', (c) => c.text('hello'))
  const handle = toFetch(fromFetch(app.fetch))
  await using here = await listening(createAdaptorServer({ fetch: (request) => handle(request) }) as Server)
  expect(await (await fetch(`${here.url}/hello`)).text()).toBe('hello')
})

const UPLOAD_BYTES = 33_554_432

/** Takes one chunk and is full until it may go on. */
function slowReader() {
  let full: () => void = () => {}
  let flow: Flow | undefined
  let bytes = 0
  let hasRoom = false
  return {
    isFull: new Promise<void>((resolve) => {
      full = resolve
    }),
    goOn() {
      hasRoom = true
      flow?.resume()
    },
    all: (source: Source) =>
      new Promise<number>((resolve, reject) => {
        flow = source.pipeTo({
          write(chunk) {
            bytes += chunk.byteLength
            full()
            return hasRoom
          },
          end: () => resolve(bytes),
          fail: reject,
        })
      }),
  }
}

/** Whole exchanges on other connections: what does not wait for anybody goes on meanwhile. */
async function traffic(app: Listening): Promise<void> {
  for (let asked = 0; asked < 100; asked++) await (await fetch(`${app.url}/own`)).text()
}
