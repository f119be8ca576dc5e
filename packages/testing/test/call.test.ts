import { Readable } from 'node:stream'
import { bytesOf, type Context, chain, discard, GatewayError, json, type Reply, type Summary, text } from '@gatelet/core'
import { bodyJson, bodyText, call, calls, exchange, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'

test('asks a handler and reads its reply', async () => {
  const reply = await call((ctx) => json({ path: ctx.request.url.path, method: ctx.request.method }), 'PUT /users/7?x=1')
  expect(await reply.json()).toEqual({ path: '/users/7', method: 'PUT' })
  expect(await reply.json()).toEqual({ path: '/users/7', method: 'PUT' })
  expect(reply.headers.get('content-type')).toBe('application/json')
})

test('asks for / when nothing is said', async () => {
  const reply = await call(({ request: { method, url } }) => text(`${method} ${url.path}`))
  expect(await reply.text()).toBe('GET /')
})

test('gives a state to what reads one', async () => {
  const reply = await call((ctx) => text(ctx.state.name), '/', { state: { name: 'ada' } })
  expect(await reply.text()).toBe('ada')
})

test('asks a chain', async () => {
  const named = chain().provide(() => ({ name: 'ada' }))
  expect(await (await call(named.to((ctx) => text(ctx.state.name)))).text()).toBe('ada')
  expect((await call(named)).status).toBe(404)
})

test('asks a layer, with who answers behind it', async () => {
  const reply = await call(
    async (ctx, next) => {
      const inner = await next(ctx)
      inner.headers.set('x-layer', '1')
      return inner
    },
    '/',
    { next: () => text('inner') },
  )
  expect(await reply.text()).toBe('inner')
  expect(reply.headers.get('x-layer')).toBe('1')
})

test.each<[how: string, fail: () => Promise<Reply>]>([
  [
    'throws',
    () => {
      throw new GatewayError('QUEUE_FULL')
    },
  ],
  ['rejects', () => Promise.reject(new GatewayError('QUEUE_FULL'))],
])('what a handler %s becomes a reply, as at the edge', async (_, fail) => {
  const reply = await call(fail)
  expect(reply.status).toBe(503)
  expect(await reply.json()).toMatchObject({ code: 'QUEUE_FULL' })
})

test('a reply that is none becomes a 500', async () => {
  const reply = await call(() => ({ status: 99 }) as Reply)
  expect(reply.status).toBe(500)
})

test('rejects what no adapter would let through', async () => {
  await expect(call(() => text('x'), '/a\\b')).rejects.toMatchObject({ code: 'BAD_TARGET' })
})

const endOf = (summaries: Summary[]) => (ctx: Context) => void ctx.onFinish((summary) => summaries.push(summary))

test('finishes the exchange at once when the body is no stream', async () => {
  const ended: Summary[] = []
  const reply = await call((ctx) => {
    endOf(ended)(ctx)
    return text('x', 201)
  })
  expect(ended).toMatchObject([{ outcome: 'finished', status: 201 }])
  expect(reply.exchange.summary).toBe(ended[0])
})

test('finishes the exchange when a stream was read', async () => {
  const reply = await call(() => ({ ...text(''), body: Readable.from([Buffer.from('a'), Buffer.from('b')]) }))
  expect(reply.exchange.summary).toBeUndefined()
  expect(await reply.text()).toBe('ab')
  expect(reply.exchange.summary).toMatchObject({ outcome: 'finished', status: 200 })
  expect(Buffer.from(await reply.bytes()).toString()).toBe('ab')
})

test('finishes the exchange when a stream was taken whole', async () => {
  const reply = await call((ctx) => ({ ...text(''), body: ctx.request.body }), {
    body: { take: () => Buffer.from('whole'), pipeTo: () => ({ pause() {}, resume() {} }), cancel() {}, length: 5 },
  })
  expect(await bodyText(reply)).toBe('whole')
  expect(reply.exchange.summary?.outcome).toBe('finished')
})

test('a stream that fails, fails the reading and the exchange', async () => {
  const broken = new Error('broken')
  const reply = await call(() => ({
    ...text(''),
    body: Readable.from(
      (async function* () {
        yield Buffer.from('a')
        throw broken
      })(),
    ),
  }))
  await expect(reply.text()).rejects.toBe(broken)
  await expect(reply.text()).rejects.toBe(broken)
  expect(reply.exchange.summary).toMatchObject({ outcome: 'failed', status: 200, error: broken })
})

test('a body that is dropped is a client that left', async () => {
  let aborted = 0
  const stream = new Readable({ read() {} })
  const reply = await call((ctx) => {
    ctx.onAbort(() => aborted++)
    return { ...text(''), body: stream }
  })
  discard(reply.body)
  expect(aborted).toBe(1)
  expect(stream.destroyed).toBe(true)
  expect(reply.exchange.summary?.outcome).toBe('aborted')
})

test('a client that leaves in the middle of a body frees what makes it, and is told so', async () => {
  const events: string[] = []
  const stream = new Readable({ read() {} })
  stream.push('a')
  const reply = await call((ctx) => {
    ctx.onAbort(() => events.push('aborted'))
    ctx.onFinish(({ outcome, status }) => events.push(`${outcome} ${status}`))
    return { ...text(''), body: stream }
  })
  const reading = reply.text()
  reply.exchange.abort()
  await expect(reading).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  expect(events).toEqual(['aborted', 'aborted 200'])
  expect(stream.destroyed).toBe(true)
})

test('a stream that comes when the client has left is dropped', async () => {
  const stream = new Readable({ read() {} })
  const opened = exchange()
  opened.abort()
  const reply = await opened.ask(() => ({ ...text(''), body: stream }))
  expect(stream.destroyed).toBe(true)
  expect(reply.exchange.summary).toMatchObject({ outcome: 'aborted', status: 499 })
})

test('an upgrade finishes when its socket closes', async () => {
  const seen: unknown[] = []
  const reply = await call(() => ({ ...text('', 200), status: 101, upgrade: (...told) => void seen.push(...told) }), {
    kind: 'upgrade',
  })
  expect(reply.exchange.summary).toBeUndefined()
  const socket = new Readable({ read() {} })
  reply.upgrade?.(socket as never, Buffer.from('head'), reply.headers)
  expect(seen).toEqual([socket, Buffer.from('head'), reply.headers])
  socket.destroy()
  await new Promise((resolve) => socket.on('close', resolve))
  expect(reply.exchange.summary).toMatchObject({ outcome: 'finished', status: 101 })
})

test('asks several times, each when the one before was read', async () => {
  const events: string[] = []
  const replies = await calls(
    (ctx) => {
      events.push(`asked ${ctx.request.url.path}`)
      ctx.onFinish(() => events.push(`finished ${ctx.request.url.path}`))
      return { ...text(''), body: Readable.from([Buffer.from(ctx.request.url.path)]) }
    },
    2,
    (index) => `/${index}`,
  )
  expect(events).toEqual(['asked /0', 'finished /0', 'asked /1', 'finished /1'])
  expect(await Promise.all(replies.map((reply) => reply.text()))).toEqual(['/0', '/1'])
})

test('a body that breaks off does not stop the next request', async () => {
  const replies = await calls(
    () => ({
      ...text(''),
      body: new Readable({
        read() {
          this.destroy(new Error('broken'))
        },
      }),
    }),
    2,
  )
  for (const reply of replies) await expect(reply.text()).rejects.toThrow('broken')
})

test('goes by the clock that it is given', async () => {
  const clock = virtualClock()
  const reply = await call(
    async () => {
      await clock.advance(250)
      return text('x')
    },
    '/',
    { clock },
  )
  expect(reply.exchange.summary?.durationMs).toBe(250)
})

test('any reply can be read as text or JSON', async () => {
  expect(await bodyText(text('é'))).toBe('é')
  expect(await bodyText({ body: null })).toBe('')
  expect(await bodyJson(json({ a: 1 }))).toEqual({ a: 1 })
  await expect(bodyJson(text('{'))).rejects.toThrow(SyntaxError)
})

test('the body that a test sends is the body that the handler reads', async () => {
  const echo = async (ctx: Context) => text(Buffer.from(await bytesOf(ctx.request.body, 100)).toString())
  expect(await (await call(echo, { body: 'hello' })).text()).toBe('hello')
  expect(await (await call(echo, { body: Readable.from([Buffer.from('stream')]) })).text()).toBe('stream')
  expect(await (await call(echo, { json: { a: 1 } })).text()).toBe('{"a":1}')
})
