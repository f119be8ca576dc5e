import { Readable } from 'node:stream'
import { createBalancer } from '@gatelet/balancer'
import {
  type Context,
  chain,
  GatewayError,
  type Handler,
  HeaderList,
  type Middleware,
  type Reply,
  switchProtocols,
  text,
} from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { compress, type TimeoutOptions, timeout } from '@gatelet/router'
import { call, describeMiddleware, exchange, type Origin, origins, rawClient, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { refusal, untyped } from '../refusal.ts'

describeMiddleware('timeout', ({ clock }) => timeout({ requestMs: 1_000, backendRequestMs: 500, clock }), { describe, test })

/** Never answers, and does not mind that nobody waits. */
const deaf: Handler = () => new Promise(() => {})

describe('a request whose time is over', () => {
  test.each<[string, Handler]>([
    ['does not listen', deaf],
    ['gives up', (ctx) => new Promise((_, reject) => void ctx.onAbort(() => reject(new GatewayError('DEADLINE_EXCEEDED'))))],
  ])('is 504 where the handler %s', async (_, handler) => {
    const clock = virtualClock()
    const answering = call(
      chain()
        .use(timeout({ requestMs: 100, clock }))
        .to(handler),
      '/',
      { clock },
    )
    await clock.advance(99)
    await clock.advance(1)
    const reply = await answering
    expect([reply.status, (await reply.json<{ code: string }>()).code]).toEqual([504, 'DEADLINE_EXCEEDED'])
    expect(clock.pending).toBe(0)
  })

  test('drops the reply that comes too late', async () => {
    const clock = virtualClock()
    let answer = (_: Reply) => {}
    let isCancelled = false
    const cancel = () => {
      isCancelled = true
    }
    const body = { pipeTo: () => ({ pause() {}, resume() {} }), take: () => undefined, cancel }
    const slow: Handler = () =>
      new Promise((resolve) => {
        answer = resolve
      })
    const answering = call(
      chain()
        .use(timeout({ requestMs: 100, clock }))
        .to(slow),
      '/',
      { clock },
    )
    await clock.advance(100)
    answer({ status: 200, headers: new HeaderList(), body })
    expect((await answering).status).toBe(504)
    await clock.advance(0)
    expect(isCancelled).toBe(true)
  })

  test('tells those behind it in advance, and a shorter time stays', async () => {
    const clock = virtualClock({ now: 1_000 })
    const deadlines: (number | undefined)[] = []
    const note: Handler = (ctx) => {
      deadlines.push(ctx.deadline)
      return text('x')
    }
    const within = (...times: number[]) =>
      times.reduce((before, requestMs) => before.use(timeout({ requestMs, clock })), chain()).to(note)
    for (const handler of [within(100), within(100, 500), within(500, 100), within(0)]) await call(handler, '/', { clock })
    expect(deadlines).toEqual([1_100, 1_100, 1_100, undefined])
  })

  test('is not one whose client left first', async () => {
    const clock = virtualClock()
    const side = exchange('/', { clock })
    const handler: Handler = (ctx) => new Promise((_, reject) => void ctx.onAbort(() => reject(new Error('left'))))
    const answering = side.ask(
      chain()
        .use(timeout({ requestMs: 100, clock }))
        .to(handler),
    )
    side.abort()
    expect((await answering).status).toBe(500)
    expect(clock.pending).toBe(0)
  })
})

describe('behind a proxy', () => {
  async function behind(options: TimeoutOptions, ask: (origin: Origin, clock: ReturnType<typeof virtualClock>) => Promise<void>) {
    await using farm = await origins(1)
    const [origin] = farm.servers as [Origin]
    const clock = virtualClock()
    origin.fault = { kind: 'hang-before-headers' }
    const upstream = proxy(farm.urls[0] as string, { clock, retries: 0 })
    const answering = call(
      chain()
        .use(timeout({ ...options, clock }))
        .to(upstream),
      '/',
      { clock },
    )
    await origin.when(() => farm.hits === 1)
    await ask(origin, clock)
    const reply = await answering
    expect(reply.status).toBe(504)
    await origin.when(() => origin.requests[0]?.aborted)
    await upstream.close()
    expect(clock.pending).toBe(0)
    return (await reply.json<{ code: string }>()).code
  }

  test('the upstream is left when the time of the request is over', async () => {
    expect(await behind({ requestMs: 100 }, async (_, clock) => clock.advance(100))).toBe('DEADLINE_EXCEEDED')
  })

  test('an attempt ends by the time of its own', async () => {
    const options = { requestMs: 500, backendRequestMs: 100 }
    expect(await behind(options, async (_, clock) => clock.advance(100))).toBe('UPSTREAM_ATTEMPT_TIMEOUT')
  })

  test('an attempt that took too long is made again elsewhere, within the time of the request', async () => {
    await using farm = await origins(2)
    const [slow] = farm.servers as [Origin]
    slow.fault = { kind: 'hang-before-headers' }
    const clock = virtualClock()
    const balancer = createBalancer({ endpoints: farm.urls, strategy: 'round-robin' })
    const upstream = proxy(balancer, { clock })
    const handler = chain()
      .use(timeout({ requestMs: 500, backendRequestMs: 100, clock }))
      .to(upstream)
    const answering = call(handler, '/', { clock })
    await slow.when(() => slow.hits === 1)
    await clock.advance(100)
    expect(await (await answering).json()).toMatchObject({ id: 1 })
    await upstream.close()
    await balancer.close()
  })

  test('a reply that still flows when the time is over is broken off', async () => {
    await using farm = await origins(1, { handler: (_, res) => void res.writeHead(200).write('some') })
    const clock = virtualClock()
    const upstream = proxy(farm.urls[0] as string, { clock })
    const handler = chain()
      .use(timeout({ requestMs: 100, clock }))
      .to(upstream)
    await using server = await serve(handler, { port: 0, host: '127.0.0.1', clock })
    await using client = await rawClient(server.port)
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.read('some')
    await clock.advance(100)
    await client.left()
    expect(client.received.toString()).not.toContain('\r\n0\r\n')
    await upstream.close()
  })
})

test.each<[string, string, Middleware]>([
  ['as it is', 'some', (ctx, next) => next(ctx)],
  ['when a layer behind has changed it', 'gzip', compress({ minBytes: 0 })],
])('a stream that a handler has made is broken off, too, %s', async (_, first, layer) => {
  for (const isLater of [false, true]) {
    const clock = virtualClock()
    const stream = new Readable({ read() {} })
    stream.push('some')
    const reply = { ...text(''), body: stream }
    const handler = chain()
      .use(timeout({ requestMs: 100, clock }))
      .use(layer)
      .to(() => (isLater ? Promise.resolve(reply) : reply))
    await using server = await serve(handler, { port: 0, host: '127.0.0.1', clock })
    await using client = await rawClient(server.port)
    client.write('GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n')
    await client.read(first)
    await clock.advance(100)
    await client.left()
    expect(client.received.toString()).not.toContain('\r\n0\r\n')
    expect(stream.destroyed).toBe(true)
  }
})

test('what is no reply is told of at the edge, in time or late', async () => {
  for (const isLate of [false, true]) {
    const clock = virtualClock()
    const nothing: Handler = async (ctx) => {
      if (isLate) await new Promise<void>((resolve) => void ctx.onAbort(resolve))
      return untyped<Reply>(undefined)
    }
    const answering = call(
      chain()
        .use(timeout({ requestMs: 100, clock }))
        .to(nothing),
      '/',
      { clock },
    )
    if (isLate) await clock.advance(100)
    expect((await answering).status).toBe(isLate ? 504 : 500)
  }
})

describe('a handshake', () => {
  const upgrade =
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

  test('has its time for the answer, and then none', async () => {
    const clock = virtualClock()
    let aborted = 0
    const echo: Handler = (ctx) => {
      ctx.onAbort(() => void aborted++)
      const headers = new HeaderList({ connection: 'upgrade', upgrade: 'websocket' })
      const take: Reply['upgrade'] = (socket, _head, list) => {
        switchProtocols(socket, list)
        socket.pipe(socket)
      }
      return { status: 101, headers, body: null, upgrade: take }
    }
    for (const handler of [echo, async (ctx: Context) => echo(ctx)]) {
      await using server = await serve(
        chain()
          .use(timeout({ requestMs: 100, clock }))
          .to(handler),
        { port: 0, host: '127.0.0.1', clock },
      )
      await using client = await rawClient(server.port)
      client.write(upgrade)
      await client.read('\r\n\r\n')
      await clock.advance(10_000)
      client.write('still here')
      await client.read('still here')
      expect([client.closed, aborted]).toEqual(['open', 0])
    }
  })

  test('that nobody answers in time is 504', async () => {
    const clock = virtualClock()
    const answering = call(
      chain()
        .use(timeout({ requestMs: 100, clock }))
        .to(deaf),
      { kind: 'upgrade' },
      { clock },
    )
    await clock.advance(100)
    expect((await answering).status).toBe(504)
    expect(clock.pending).toBe(0)
  })
})

test.each<[options: unknown, path: string, right: RegExp]>([
  [{ requestMs: -1 }, 'requestMs', /milliseconds from 0/],
  [{ requestMs: '1s' }, 'requestMs', /milliseconds from 0/],
  [{ backendRequestMs: Number.POSITIVE_INFINITY }, 'backendRequestMs', /milliseconds from 0/],
  [{ requestMs: 100, backendRequestMs: 101 }, 'backendRequestMs', /at most requestMs, which is 100 \(got 101\)/],
  [{ clock: {} }, 'clock', /a clock/],
])('timeout refuses %j', (options, path, right) => {
  const error = refusal(() => timeout(untyped<TimeoutOptions>(options)))
  expect(error).toMatchObject({ code: 'BAD_OPTION', path })
  expect(error.message).toMatch(right)
})

test.each<TimeoutOptions>([
  {},
  { requestMs: 0 },
  { requestMs: 100, backendRequestMs: 100 },
  { requestMs: 0, backendRequestMs: 100 },
])('timeout takes %j', async (options) => {
  expect(
    (
      await call(
        chain()
          .use(timeout(options))
          .to(() => text('x')),
      )
    ).status,
  ).toBe(200)
})
