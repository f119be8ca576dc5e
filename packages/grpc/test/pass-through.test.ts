import { once } from 'node:events'
import { connect, constants, createServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Writable } from 'node:stream'
import { createBalancer } from '@gatelet/balancer'
import { attemptFieldsOf, chain, type Endpoint, GatewayError, type Handler, type Middleware, problem, text } from '@gatelet/core'
import { grpc } from '@gatelet/grpc'
import { proxy } from '@gatelet/proxy'
import { exchange, standstill, virtualClock } from '@gatelet/testing'
import { type Client, Metadata, status } from '@grpc/grpc-js'
import { describe, expect, test } from 'vitest'
import { frame } from '../src/wire/frames.ts'
import { answering, type Front, gateway } from './support/gateway.ts'
import { type Fields, shopClient, startShop, unary } from './support/shop.ts'

type Stream = NodeJS.ReadWriteStream & { cancel(): void }
const stream = (client: Client, method: string, ...args: unknown[]): Stream =>
  (client as unknown as Record<string, (...args: unknown[]) => Stream>)[method]?.(...args) as Stream

describe('gRPC passes through', () => {
  test('a unary call, with metadata both ways, binary too, and trailers', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const metadata = new Metadata()
    metadata.set('x-trace', 'abc')
    metadata.set('x-key-bin', Buffer.from([0, 1, 254, 255]))
    const { message, headers, trailers } = await unary(client, 'GetItem', { name: 'lamp' }, metadata)
    expect(message).toMatchObject({ name: 'lamp', price_cents: '9007199254740993' })
    expect(headers.get('x-trace')).toEqual(['abc'])
    expect(headers.get('x-key-bin')).toEqual([Buffer.from([0, 1, 254, 255])])
    expect(trailers.get('x-cost')).toEqual(['12'])
    expect(trailers.get('x-sum-bin')).toEqual([Buffer.from([0, 255, 1])])
  })

  test('a status, its message in any script, and trailers, without a message', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const failed = unary(client, 'GetItem', { view: 'fail:5:no such thing, ü 100 % 木' })
    await expect(failed).rejects.toMatchObject({ code: status.NOT_FOUND, details: 'no such thing, ü 100 % 木' })
    const error = (await failed.catch((thrown: unknown) => thrown)) as { metadata: Metadata }
    expect(error.metadata.get('x-why')).toEqual(['test'])
  })

  test('a stream of the server', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const names: unknown[] = []
    for await (const each of stream(client, 'WatchItems', { count: 100 })) names.push((each as unknown as Fields)['name'])
    expect(names).toEqual(Array.from({ length: 100 }, (_, at) => `item ${at}`))
  })

  test('a stream of the client', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const answer = new Promise((resolve, reject) => {
      const call = stream(client, 'ImportItems', (error: Error | null, value: unknown) =>
        error ? reject(error) : resolve(value),
      )
      for (const title of ['a', 'b', 'c']) call.write({ title } as never)
      call.end()
    })
    expect(await answer).toMatchObject({ count: 3, titles: ['a', 'b', 'c'] })
  })

  test('both at once: each message is answered before the next is sent', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const call = stream(client, 'Chat')
    const heard = call[Symbol.asyncIterator]()
    for (const title of ['one', 'two', 'three']) {
      call.write({ title } as never)
      expect((await heard.next()).value).toMatchObject({ title: `echo ${title}` })
    }
    call.end()
    expect((await heard.next()).done).toBe(true)
  })

  test('a status in the middle of a conversation', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const call = stream(client, 'Chat')
    const heard = call[Symbol.asyncIterator]()
    call.write({ title: 'one' } as never)
    await heard.next()
    call.write({ title: 'fail' } as never)
    await expect(heard.next()).rejects.toMatchObject({ code: status.ABORTED, details: 'said fail' })
  })

  test('messages of 16 MiB, both ways', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const raw = Buffer.alloc(16 << 20, 'abcdefg')
    const { message } = await unary(client, 'Echo', { raw })
    expect(raw.equals(message['raw'] as Buffer)).toBe(true)
  })
})

describe('a call ends on both sides', () => {
  test('when the client cancels it', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const call = stream(client, 'WatchItems', { count: 2, pause_after: 1 })
    await new Promise((resolve) => call.once('data', resolve))
    call.on('error', () => {})
    call.cancel()
    await expect.poll(() => shop.cancelled).toEqual(['WatchItems'])
  })

  test('when its deadline passes, of which the server is told', async () => {
    const deadlines: unknown[] = []
    await using shop = await startShop({
      GetItem: (call: { getDeadline(): Date }) => void deadlines.push(call.getDeadline()),
    })
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const asked = Date.now()
    const failed = unary(client, 'GetItem', {}, new Metadata(), { deadline: asked + 300 })
    await expect(failed).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED })
    expect(Number(deadlines[0])).toBeGreaterThan(asked)
    expect(Number(deadlines[0])).toBeLessThan(asked + 3_000)
  })

  test('when its deadline passes, of which each attempt is told what is left by then', async () => {
    const clock = virtualClock()
    const told: unknown[] = []
    const waiting: Middleware = async (ctx, next) => {
      await clock.advance(300)
      return next(ctx)
    }
    const handler: Handler = async (ctx) => {
      for (const attempt of [0, 1]) {
        told.push(attemptFieldsOf(ctx)?.({ attempt, endpoint: {} as Endpoint, origin: new URL('http://a.test') }))
        await clock.advance(1_000)
      }
      return text('')
    }
    const headers = { 'content-type': 'application/grpc', te: 'trailers', 'grpc-timeout': '5S' }
    await exchange({ method: 'POST', url: '/a.B/C', headers }, { clock }).ask(chain().use(grpc()).use(waiting).to(handler))
    expect(told).toEqual([[['grpc-timeout', '4700m']], [['grpc-timeout', '3700m']]])
  })

  test('with a status, when the server dies in the middle', async () => {
    const shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const call = stream(client, 'WatchItems', { count: 2, pause_after: 1 })
    await new Promise((resolve) => call.once('data', resolve))
    const failed = new Promise((resolve) => call.once('error', resolve))
    await shop[Symbol.asyncDispose]()
    expect(await failed).toMatchObject({ code: status.UNAVAILABLE, details: 'The server broke the connection off' })
  })
})

describe('what is no answer of gRPC becomes one', () => {
  const asked = async (handler: Handler) => {
    await using front = await answering(chain().use(grpc()).to(handler))
    using client = shopClient(front.url)
    return (await unary(client, 'GetItem', {}).catch((thrown: unknown) => thrown)) as {
      code: number
      details: string
      metadata: Metadata
    }
  }

  test('an error that is thrown', async () => {
    const failed = await asked(() => {
      throw new GatewayError('UNAUTHENTICATED', { headers: { 'www-authenticate': 'Bearer' } })
    })
    expect(failed).toMatchObject({ code: status.UNAUTHENTICATED, details: 'Valid credentials are needed here' })
    expect(failed.metadata.get('www-authenticate')).toEqual(['Bearer'])
  })

  test('a problem that a layer answers with', async () => {
    const failed = await asked(() => problem({ status: 429, title: 'Too many requests', detail: 'Wait a little' }))
    expect(failed).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: 'Too many requests. Wait a little' })
  })

  test.each([
    [400, status.INTERNAL],
    [403, status.PERMISSION_DENIED],
    [404, status.UNIMPLEMENTED],
    [502, status.UNAVAILABLE],
    [418, status.UNKNOWN],
  ])('a page with status %i', async (httpStatus, code) => {
    const page = () => problem({ status: httpStatus, title: '' })
    const failed = await asked(() => {
      const reply = page()
      reply.headers.set('content-type', 'text/html')
      return reply
    })
    expect(failed).toMatchObject({ code, details: `HTTP status ${httpStatus}` })
  })

  test.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['no object', '[1]'],
    ['a title that is none', '{"title":{},"code":"NO_ENDPOINT"}'],
  ])('what only says that it is a problem, with %s', async (_, body) => {
    const failed = await asked(() => text(body, { status: 503, headers: { 'content-type': 'application/problem+json' } }))
    expect(failed).toMatchObject({ code: status.UNAVAILABLE, details: 'HTTP status 503' })
  })

  test('a code that is none of ours', async () => {
    const body = '{"title":"No","code":"constructor","detail":7}'
    const failed = await asked(() => text(body, { status: 403, headers: { 'content-type': 'application/problem+json' } }))
    expect(failed).toMatchObject({ code: status.PERMISSION_DENIED, details: 'No' })
  })

  test('no server at all', async () => {
    await using front = await gateway(['http://127.0.0.1:9'])
    using client = shopClient(front.url)
    await expect(unary(client, 'GetItem', {})).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      details: 'The server could not be reached',
    })
  })
})

test('calls on one connection go to all servers in turn', async () => {
  await using one = await startShop()
  await using other = await startShop()
  await using front = await gateway([one.url, other.url])
  using client = shopClient(front.url)
  for (let asked = 0; asked < 10; asked++) await unary(client, 'GetItem', { name: 'lamp' })
  expect([one.calls.length, other.calls.length]).toEqual([5, 5])
})

describe('another server is asked', () => {
  /** Refuses each stream, as a server that has no room for more, or goes down. */
  async function refusing(code: number): Promise<Front & { asked: number }> {
    const server = createServer()
    const sessions = new Set<ServerHttp2Session>()
    const front = { url: '', asked: 0, [Symbol.asyncDispose]: close }
    server.on('session', (session) => sessions.add(session))
    server.on('stream', (refused) => {
      refused.on('error', () => {})
      front.asked++
      // The client's message has come by then.
      refused.once('data', () => refused.close(code))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    front.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    async function close() {
      for (const session of sessions) session.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
    return front
  }

  test('after REFUSED_STREAM, with what the client has sent already', async () => {
    await using full = await refusing(constants.NGHTTP2_REFUSED_STREAM)
    await using shop = await startShop()
    await using front = await gateway([full.url, shop.url])
    using client = shopClient(front.url)
    for (let asked = 0; asked < 6; asked++) {
      const { message } = await unary(client, 'Echo', { text: `call ${asked}`, raw: Buffer.alloc(20_000) })
      expect(message).toMatchObject({ text: `call ${asked}` })
    }
    expect(full.asked).toBeGreaterThan(0)
    expect(shop.calls.length).toBe(6)
  })

  test('in the middle of a conversation that has no answer yet', async () => {
    await using full = await refusing(constants.NGHTTP2_REFUSED_STREAM)
    await using shop = await startShop()
    await using front = await gateway([full.url, shop.url])
    using client = shopClient(front.url)
    for (let asked = 0; asked < 2; asked++) {
      const call = stream(client, 'Chat')
      const heard = call[Symbol.asyncIterator]()
      for (const title of ['one', 'two']) {
        call.write({ title } as never)
        expect((await heard.next()).value).toMatchObject({ title: `echo ${title}` })
      }
      call.end()
      expect((await heard.next()).done).toBe(true)
    }
    expect(full.asked).toBe(1)
  })

  test('never after a reset that says nothing of the kind', async () => {
    await using broken = await refusing(constants.NGHTTP2_INTERNAL_ERROR)
    await using shop = await startShop()
    await using front = await gateway([broken.url, shop.url])
    using client = shopClient(front.url)
    const codes = []
    for (let asked = 0; asked < 2; asked++)
      codes.push(
        await unary(client, 'GetItem', {}).then(
          () => 0,
          ({ code }: { code: number }) => code,
        ),
      )
    expect(codes.sort()).toEqual([0, status.UNAVAILABLE])
    expect(shop.calls.length).toBe(1)
  })

  test('after UNAVAILABLE, where the options say of the method that it may be', async () => {
    let refused = 0
    await using full = await startShop({
      GetItem: (_: unknown, done: (error: object) => void) => {
        refused++
        done({ code: status.UNAVAILABLE, details: 'no room' })
      },
      MoveItem: (_: unknown, done: (error: object) => void) => done({ code: status.UNAVAILABLE, details: 'no room' }),
    })
    await using shop = await startShop()
    const repeatable = ({ url }: { url: { path: string } }) => url.path.endsWith('/GetItem')
    await using front = await gateway([full.url, shop.url], { retries: { repeatable, statuses: [503] } })
    using client = shopClient(front.url)
    for (let asked = 0; asked < 4; asked++) await unary(client, 'GetItem', { name: 'lamp' })
    expect(refused).toBeGreaterThan(0)
    expect(shop.calls.length).toBe(4)
    const moved = async () =>
      unary(client, 'MoveItem', {}).then(
        () => 0,
        ({ code }: { code: number }) => code,
      )
    expect([await moved(), await moved()].sort()).toEqual([0, status.UNAVAILABLE])
  })

  test('while one restarts: its GOAWAY ends no call', { timeout: 60_000 }, async () => {
    const one = await startShop()
    await using other = await startShop()
    await using front = await gateway([one.url, other.url])
    using client = shopClient(front.url)
    // A server that refused connections is left alone for some seconds.
    const patience = { timeout: 30_000 }
    let isOver = false
    let answered = 0
    const asking = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        await unary(client, 'GetItem', { name: 'lamp' })
        answered++
      }
    })
    await expect.poll(() => answered, patience).toBeGreaterThan(50)
    await new Promise((resolve) => one.server.tryShutdown(resolve))
    const before = answered
    await expect.poll(() => answered, patience).toBeGreaterThan(before + 50)
    await using again = await startShop({}, one.port)
    await expect.poll(() => again.calls.length, patience).toBeGreaterThan(0)
    isOver = true
    await Promise.all(asking)
  })
})

test('a server whose calls fail with UNAVAILABLE is ejected like one that answers 503', async () => {
  await using ill = await startShop({
    GetItem: (_: unknown, done: (error: object) => void) => done({ code: status.UNAVAILABLE }),
  })
  await using shop = await startShop()
  const balancer = createBalancer({
    endpoints: [ill.url, shop.url],
    strategy: 'round-robin',
    ejection: { consecutiveFailures: 3 },
  })
  await using front = await answering(
    chain()
      .use(grpc())
      .to(proxy(balancer, { http2: true })),
  )
  using client = shopClient(front.url)
  let failed = 0
  for (let asked = 0; asked < 20; asked++) await unary(client, 'GetItem', {}).catch(() => failed++)
  expect(failed).toBe(3)
  await balancer.close()
})

test('a client that does not read stops the server', async () => {
  let written = 0
  await using endless = await startShop({
    WatchItems: async (call: Writable) => {
      call.on('error', () => {})
      const payload = Buffer.alloc(65_536)
      while (!call.destroyed && written < 1_000) {
        written++
        if (!call.write({ payload })) await new Promise((resolve) => call.once('drain', resolve))
      }
    },
  })
  await using front = await gateway([endless.url])
  const session = connect(front.url)
  const call = session.request({
    ':method': 'POST',
    ':path': '/shop.v1.Shop/WatchItems',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  call.end(frame(new Uint8Array()))
  await once(call, 'response')
  call.pause()
  // No more comes: what is written is the room of windows and buffers on the way, and not the 64 MB that there are.
  await standstill(() => written)
  expect(written).toBeLessThan(500)
  session.destroy()
})

test('a status that is all of an answer stays one head, on which the stream ends', async () => {
  await using shop = await startShop()
  await using front = await gateway([shop.url])
  const session = connect(front.url)
  const call = session.request({
    ':method': 'POST',
    ':path': '/shop.v1.Shop/Nothing',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  call.end(frame(new Uint8Array()))
  const [head, flags] = (await once(call, 'response')) as [Record<string, string>, number]
  expect(head['grpc-status']).toBe(String(status.UNIMPLEMENTED))
  expect(flags & constants.NGHTTP2_FLAG_END_STREAM).toBe(constants.NGHTTP2_FLAG_END_STREAM)
  session.destroy()
})

test('nothing is left in flight, however a call ends', async () => {
  await using shop = await startShop()
  const balancer = createBalancer({ endpoints: [shop.url] })
  const forward = proxy(balancer, { http2: true })
  await using front = await answering(chain().use(grpc()).to(forward))
  using client = shopClient(front.url)
  const inflight = () => balancer.endpoints[0]?.inflight
  await unary(client, 'GetItem', {})
  await unary(client, 'GetItem', { view: 'fail:5:no' }).catch(() => {})
  const cancelled = stream(client, 'WatchItems', { count: 2, pause_after: 1 })
  await new Promise((resolve) => cancelled.once('data', resolve))
  expect(inflight()).toBe(1)
  cancelled.on('error', () => {})
  cancelled.cancel()
  const late = stream(client, 'WatchItems', { count: 2, pause_after: 1 }, new Metadata(), { deadline: Date.now() + 100 })
  late.resume()
  await new Promise((resolve) => late.once('error', resolve))
  const half = stream(client, 'Chat')
  half.write({ title: 'fail' } as never)
  half.resume()
  await new Promise((resolve) => half.once('error', resolve))
  await expect.poll(inflight).toBe(0)
  await forward.close()
  await balancer.close()
})
