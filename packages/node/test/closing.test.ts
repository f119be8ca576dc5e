import { HeaderList, onDrain, PushSource, type Reply, text } from '@gatelet/core'
import { readiness } from '@gatelet/node'
import { type RawClient, rawClient, rawRequest, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { deferred, echo, head, serving, until } from './serving.ts'

const slow = () => {
  const go = deferred()
  const begun = deferred()
  return {
    go: go.resolve,
    begun: begun.promise,
    async handler() {
      begun.resolve()
      await go.promise
      return text('done')
    },
  }
}

describe('close', () => {
  test('is not ready at once, accepts for delayMs, then no more', async () => {
    const clock = virtualClock()
    await using server = await serving(() => text('hello'), { clock })
    expect(server.isDraining).toBe(false)
    const closed = server.close({ delayMs: 5_000 })
    expect(server.isDraining).toBe(true)
    await clock.advance(4_999)
    const { responses } = await rawRequest(server.port, head('GET /'), { responses: 1 })
    expect([responses[0]?.text, responses[0]?.headers.get('connection')]).toEqual(['hello', 'keep-alive'])
    await clock.advance(1)
    await expect(rawClient(server.port)).rejects.toThrow('ECONNREFUSED')
    expect(await closed).toEqual({ cut: 0 })
  })

  test('waits for requests in flight, whose replies end their connections', async () => {
    const { go, begun, handler } = slow()
    await using server = await serving(handler)
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    await begun
    const closed = server.close()
    go()
    const response = await client.response()
    expect([response.text, response.headers.get('connection')]).toEqual(['done', 'close'])
    expect(await client.left()).toBe('end')
    expect(await closed).toEqual({ cut: 0 })
  })

  test('answers pipelined requests that were taken before', async () => {
    const { go, begun, handler } = slow()
    await using server = await serving(handler)
    await using client = await rawClient(server.port)
    client.write(head('GET /').repeat(3))
    await begun
    const closed = server.close()
    go()
    await client.left()
    expect(client.received.toString().match(/done/g)).toHaveLength(3)
    expect(client.received.toString().match(/connection: close/gi)).toHaveLength(1)
    expect(await closed).toEqual({ cut: 0 })
  })

  test('answers a request that was on its way in a connection which looked idle', async () => {
    await using server = await serving(() => text('still answered'))
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    await client.response()
    const closed = server.close()
    client.write(head('GET /'))
    const response = await client.response()
    expect([response.text, response.headers.get('connection')]).toEqual(['still answered', 'close'])
    expect(await closed).toEqual({ cut: 0 })
  })

  test('closes idle connections, and those that never asked', async () => {
    await using server = await serving(() => text('x'))
    await using idle = await rawClient(server.port)
    idle.write(head('GET /'))
    await idle.response()
    await using fresh = await rawClient(server.port)
    await until(() => server.connections === 2)
    expect(await server.close()).toEqual({ cut: 0 })
    expect([await idle.left(), await fresh.left()]).toEqual(['end', 'end'])
  })

  test('does not cut a reply that the client is still taking', async () => {
    await using server = await serving(() => ({ status: 200, headers: new HeaderList(), body: Buffer.alloc(20_000_000) }))
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    await client.read('\r\n\r\n')
    client.pause()
    const closed = server.close()
    client.resume()
    await client.left()
    expect(client.received.byteLength).toBeGreaterThan(20_000_000)
    expect(await closed).toEqual({ cut: 0 })
    expect(await server.ended(1)).toEqual(['finished 200'])
  })

  test('waits for upgraded connections', async () => {
    await using server = await serving(echo)
    await using client = await rawClient(server.port)
    client.write(head('GET /', 'Connection: upgrade\r\nUpgrade: websocket\r\n'))
    await client.read('\r\n\r\n')
    const closed = server.close()
    client.write('still')
    await client.read('still')
    client.end()
    expect(await closed).toEqual({ cut: 0 })
  })

  test('cuts what is left when the grace is over, and counts it', async () => {
    const clock = virtualClock()
    const reasons: unknown[] = []
    const body = new PushSource({ start: () => body.push(Buffer.from('x')), pause() {}, resume() {}, cancel() {} })
    await using server = await serving(
      (ctx): Reply | Promise<Reply> => {
        ctx.signal.addEventListener('abort', () => reasons.push(ctx.signal.reason.code))
        if (ctx.request.kind === 'upgrade') return echo()
        if (ctx.request.target === '/stream') return { status: 200, headers: new HeaderList(), body }
        ctx.background(() => deferred().promise)
        return deferred<Reply>().promise
      },
      { clock },
    )
    const clients = await Promise.all([1, 2, 3].map(() => rawClient(server.port)))
    clients[0]?.write(head('GET /'))
    clients[1]?.write(head('GET /stream'))
    clients[2]?.write(head('GET /', 'Connection: upgrade\r\nUpgrade: websocket\r\n'))
    await clients[1]?.read('\r\nx')
    await clients[2]?.read('\r\n\r\n')
    await until(() => server.connections === 3)
    const closed = server.close({ graceMs: 1_000 })
    await clock.advance(999)
    expect(server.finished).toHaveLength(0)
    await clock.advance(1)
    expect(await closed).toEqual({ cut: 4 })
    expect((await server.ended(3)).sort()).toEqual(['failed 200', 'failed 503', 'finished 101'])
    expect(reasons).toEqual(['DRAINING', 'DRAINING'])
    for (const client of clients) await client[Symbol.asyncDispose]()
  })

  test('a second call gets the same end, and can only hasten it', async () => {
    const clock = virtualClock()
    const { begun, handler } = slow()
    await using server = await serving(handler, { clock })
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    await begun
    const first = server.close({ delayMs: 10_000, graceMs: 10_000 })
    expect(server.close({ graceMs: 60_000 })).toBe(first)
    const last = server.close({ graceMs: 0 })
    expect(last).toBe(first)
    expect(await last).toEqual({ cut: 1 })
    expect(server.close()).toBe(first)
    expect(clock.pending).toBe(0)
  })

  test('loses no request of clients that ask without a pause', async () => {
    await using server = await serving(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return text('x'.repeat(2_000))
    })
    let answered = 0
    const lost: unknown[] = []
    const ask = async (client: RawClient) => {
      client.write(head('GET /'))
      const { complete, headers } = await client.response()
      if (complete) answered++
      return complete && headers.get('connection') !== 'close'
    }
    // As behind a second server: who finds nobody here any more goes there.
    const asking = async () => {
      for (;;) {
        const client = await rawClient(server.port).catch(() => undefined)
        if (!client) return
        try {
          while (await ask(client));
        } catch (error) {
          lost.push(error)
        }
        await client[Symbol.asyncDispose]()
      }
    }
    const all = Promise.all(Array.from({ length: 20 }, asking))
    await until(() => answered > 500)
    expect(await server.close()).toEqual({ cut: 0 })
    await all
    expect(lost).toEqual([])
  })

  test('of Node’s own server closes idle connections too, and no others', async () => {
    const { go, begun, handler } = slow()
    await using server = await serving(handler)
    await using idle = await rawClient(server.port)
    await using busy = await rawClient(server.port)
    busy.write(head('GET /'))
    await begun
    const closed = new Promise((resolve) => server.server.close(resolve))
    await idle.left()
    go()
    expect((await busy.response()).text).toBe('done')
    await closed
  })

  test('checks its options', async () => {
    await using server = await serving(() => text('x'))
    expect(() => server.close({ graceMs: -1 })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', path: 'graceMs', message: expect.stringContaining('from 0 to 2147483647') }),
    )
    expect(() => server.close({ delayMs: '5s' as never })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', path: 'delayMs' }),
    )
    expect(server.isDraining).toBe(false)
  })

  test('leaves nothing behind', async () => {
    const clock = virtualClock()
    const server = await serving(() => text('x'), { clock })
    await rawRequest(server.port, head('GET /', 'Connection: close\r\n'))
    await server.close()
    expect([clock.pending, server.connections, server.server.listening]).toEqual([0, 0, false])
  })

  test('happens at the end of an `await using`', async () => {
    const { serve } = await import('@gatelet/node')
    let port: number
    {
      await using server = await serve(() => text('x'), { port: 0, host: '127.0.0.1' })
      port = server.port
    }
    await expect(rawClient(port)).rejects.toThrow('ECONNREFUSED')
  })
})

test('readiness says 200 until the server is closing, then 503', async () => {
  const state = { isDraining: false }
  await using server = await serving(readiness(() => state))
  expect((await fetch(server.url)).status).toBe(200)
  state.isDraining = true
  const refused = await fetch(server.url)
  expect([refused.status, await refused.json()]).toEqual([503, expect.objectContaining({ code: 'DRAINING' })])
})

describe('an upgraded connection of a server that closes', () => {
  const upgrade = head('GET /', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')

  test('is told when it will be cut, once no more is accepted', async () => {
    const clock = virtualClock()
    const told: number[] = []
    await using server = await serving(
      (ctx) => {
        onDrain(ctx, (cutAt) => told.push(cutAt))
        return echo()
      },
      { clock },
    )
    await using client = await rawClient(server.port)
    client.write(upgrade)
    await client.response()
    const closed = server.close({ delayMs: 1_000, graceMs: 5_000 })
    await clock.advance(999)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual([6_000])
    client.end()
    expect(await closed).toEqual({ cut: 0 })
  })

  test('is not begun any more: 503', async () => {
    const { go, begun, handler } = slow()
    await using server = await serving(handler)
    await using client = await rawClient(server.port)
    await using waiting = await rawClient(server.port)
    waiting.write(head('GET /'))
    await begun
    const closed = server.close()
    client.write(upgrade)
    expect((await client.response()).status).toBe(503)
    go()
    await waiting.response()
    await closed
  })
})
