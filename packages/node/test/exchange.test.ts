import type { Socket } from 'node:net'
import { type Context, HeaderList, PushSource, type Reply, text } from '@gatelet/core'
import { rawClient } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { deferred, head, serving, until } from './serving.ts'

const never = () => deferred<Reply>().promise

describe('a client that leaves', () => {
  test.for<[string, 'reset' | 'end']>([
    ['by a reset', 'reset'],
    ['by closing', 'end'],
  ])('%s before the reply aborts the exchange once', async ([, how]) => {
    const begun = deferred<Context>()
    let aborts = 0
    await using server = await serving((ctx) => {
      ctx.onAbort(() => aborts++)
      begun.resolve(ctx)
      return never()
    })
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    const ctx = await begun.promise
    client[how]()
    expect(await server.ended(1)).toEqual(['aborted 499'])
    expect([aborts, ctx.signal.aborted, ctx.signal.reason.code]).toEqual([1, true, 'CLIENT_CLOSED'])
  })

  test('in the middle of a reply stops what makes it', async () => {
    const cancelled = deferred()
    const body = new PushSource({
      start: () => body.push(Buffer.from('x')),
      pause() {},
      resume() {},
      cancel: () => cancelled.resolve(),
    })
    await using server = await serving(() => ({ status: 200, headers: new HeaderList(), body }))
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    await client.read('1\r\nx')
    await client.reset()
    await cancelled.promise
    expect(await server.ended(1)).toEqual(['aborted 200'])
  })

  test('before a whole reply is out has not got it', async () => {
    await using server = await serving(() => ({ status: 200, headers: new HeaderList(), body: Buffer.alloc(50_000_000) }))
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    await client.read('\r\n\r\n')
    await client.reset()
    expect(await server.ended(1)).toEqual(['aborted 200'])
  })

  test('aborts every request that it has pipelined', async () => {
    let begun = 0
    await using server = await serving(() => {
      begun++
      return never()
    })
    await using client = await rawClient(server.port)
    client.write(head('GET /').repeat(3))
    await until(() => begun === 3)
    await client.reset()
    expect(await server.ended(3)).toEqual(['aborted 499', 'aborted 499', 'aborted 499'])
  })

  test('does not get a reply that comes too late, and its body is cancelled', async () => {
    const begun = deferred()
    const reply = deferred<Reply>()
    const cancelled = deferred()
    await using server = await serving(() => {
      begun.resolve()
      return reply.promise
    })
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    await begun.promise
    await client.reset()
    await server.ended(1)
    const body = new PushSource({ pause() {}, resume() {}, cancel: () => cancelled.resolve() })
    reply.resolve({ status: 200, headers: new HeaderList(), body })
    await cancelled.promise
    expect(await server.ended(1)).toHaveLength(1)
  })
})

test('a client that has ended its side gets its reply where that is switched on', async () => {
  const go = deferred()
  await using server = await serving(
    async () => {
      await go.promise
      return text('still here')
    },
    { allowHalfClosed: true },
  )
  await using client = await rawClient(server.port)
  client.write(head('GET /'))
  client.end()
  await until(() => server.connections === 1)
  setImmediate(go.resolve)
  expect((await client.response()).text).toBe('still here')
  expect(await client.left()).toBe('end')
  expect(await server.ended(1)).toEqual(['finished 200'])
})

test('every exchange of a kept-alive connection ends once, with the status that was sent', async () => {
  await using server = await serving((ctx) => text('', Number(ctx.request.url.path.slice(1))))
  await using client = await rawClient(server.port)
  for (const status of [200, 404, 503]) {
    client.write(head(`GET /${status}`))
    await client.response()
  }
  expect(await server.ended(3)).toEqual(['finished 200', 'finished 404', 'finished 503'])
})

test('listeners do not gather on a kept-alive connection', async () => {
  await using server = await serving(async (ctx) => text(String(ctx.request.body)))
  const accepted = deferred<Socket>()
  server.server.once('connection', accepted.resolve)
  await using client = await rawClient(server.port)
  const round = async () => {
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi`)
    await client.response()
    const socket = await accepted.promise
    return socket.eventNames().map((name) => [String(name), socket.listenerCount(name)])
  }
  const before = await round()
  for (let i = 0; i < 20; i++) await round()
  expect(await round()).toEqual(before)
})

test('background work begun by a request is waited for when the server closes', async () => {
  const work = deferred()
  await using server = await serving((ctx) => text(String(ctx.background(() => work.promise))))
  expect(await (await fetch(server.url, { headers: { connection: 'close' } })).text()).toBe('true')
  let isClosed = false
  const closed = server.close().then((summary) => {
    isClosed = true
    return summary
  })
  await until(() => server.connections === 0)
  expect(isClosed).toBe(false)
  work.resolve()
  expect(await closed).toEqual({ cut: 0 })
})
