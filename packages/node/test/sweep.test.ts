import type { Socket } from 'node:net'
import { bytesOf, type Context, HeaderList, text } from '@gatelet/core'
import { rawClient, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { deferred, echo, head, serving, until } from './serving.ts'

describe('a connection that is idle', () => {
  test('between two requests is closed after keepAliveTimeoutMs, not before', async () => {
    const clock = virtualClock()
    await using server = await serving(() => text('x'), { clock })
    await using client = await rawClient(server.port)
    for (let i = 0; i < 3; i++) {
      client.write(head('GET /'))
      await client.response()
      await server.ended(i + 1)
      await clock.advance(64_000)
    }
    expect(client.closed).toBe('open')
    await clock.advance(3_000)
    expect(await client.left()).toBe('end')
  })

  test('is not, while its request is being answered', async () => {
    const clock = virtualClock()
    const go = deferred()
    const begun = deferred()
    await using server = await serving(
      async () => {
        begun.resolve()
        await go.promise
        return text('at last')
      },
      { clock, stallTimeoutMs: 1_000 },
    )
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    await begun.promise
    await clock.advance(600_000)
    go.resolve()
    expect((await client.response()).text).toBe('at last')
  })

  test('is not, while it is upgraded', async () => {
    const clock = virtualClock()
    await using server = await serving(echo, { clock })
    await using client = await rawClient(server.port)
    client.write(head('GET /', 'Connection: upgrade\r\nUpgrade: websocket\r\n'))
    await client.read('\r\n\r\n')
    await clock.advance(600_000)
    client.write('ping')
    await client.read('ping')
  })

  test('is not, while a request arrives in it', async () => {
    const clock = virtualClock()
    await using server = await serving(() => text('x'), { clock, keepAliveTimeoutMs: 2_000 })
    const accepted = deferred<Socket>()
    server.server.once('connection', accepted.resolve)
    await using client = await rawClient(server.port)
    const all = head('GET /')
    const socket = await accepted.promise
    for (let sent = 0; sent < all.length - 1; sent++) {
      client.write(all.charAt(sent))
      await until(() => socket.bytesRead > sent)
      await clock.advance(1_000)
    }
    client.write(all.slice(-1))
    expect((await client.response()).text).toBe('x')
  })
})

describe('a client that stops in the middle of a message', () => {
  test('that it sends gets 408 after stallTimeoutMs', async () => {
    const clock = virtualClock()
    const begun = deferred<Context>()
    const accepted = deferred<Socket>()
    await using server = await serving(
      async (ctx) => {
        const reading = bytesOf(ctx.request.body, 1e6)
        begun.resolve(ctx)
        return text(String((await reading).byteLength))
      },
      { clock },
    )
    server.server.once('connection', accepted.resolve)
    await using client = await rawClient(server.port)
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbegun')
    const ctx = await begun.promise
    const socket = await accepted.promise
    await clock.advance(59_000)
    const { bytesRead } = socket
    client.write('more')
    await until(() => socket.bytesRead > bytesRead)
    await clock.advance(59_000)
    expect(client.received.byteLength).toBe(0)
    await clock.advance(5_000)
    const response = await client.response()
    expect([response.status, JSON.parse(response.text).code]).toEqual([408, 'REQUEST_TIMEOUT'])
    expect(ctx.signal.reason).toMatchObject({ code: 'REQUEST_TIMEOUT' })
    expect(await server.ended(1)).toEqual(['finished 408'])
  })

  test('is waited for while nobody wants more of it', async () => {
    const clock = virtualClock()
    const begun = deferred()
    const go = deferred()
    await using server = await serving(
      async (ctx) => {
        begun.resolve()
        await go.promise
        return text(String((await bytesOf(ctx.request.body, 1e6)).byteLength))
      },
      { clock },
    )
    await using client = await rawClient(server.port)
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nbe')
    await begun.promise
    await clock.advance(300_000)
    go.resolve()
    client.write('gun')
    expect((await client.response()).text).toBe('5')
  })

  test('that it takes is cut after stallTimeoutMs for each 64 KiB', async () => {
    const clock = virtualClock()
    await using server = await serving(() => ({ status: 200, headers: new HeaderList(), body: Buffer.alloc(20_000_000) }), {
      clock,
    })
    const accepted = deferred<Socket>()
    server.server.once('connection', accepted.resolve)
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    await client.read('\r\n\r\n')
    client.pause()
    const socket = await accepted.promise
    const allowed = 60_000 * (1 + Math.floor(socket.writableLength / 65_536))
    await clock.advance(2_000)
    await clock.advance(allowed - 4_000)
    expect(socket.destroyed).toBe(false)
    await clock.advance(4_000)
    expect(await server.ended(1)).toEqual(['aborted 200'])
  })

  test('is waited for without bound where stallTimeoutMs is 0', async () => {
    const clock = virtualClock()
    const begun = deferred()
    await using server = await serving(
      (ctx) => {
        const reading = bytesOf(ctx.request.body, 1e6)
        begun.resolve()
        return reading.then((bytes) => text(String(bytes.byteLength)))
      },
      { clock, stallTimeoutMs: 0 },
    )
    await using client = await rawClient(server.port)
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nbe')
    await begun.promise
    await clock.advance(600_000)
    client.write('gun')
    expect((await client.response()).text).toBe('5')
  })
})
