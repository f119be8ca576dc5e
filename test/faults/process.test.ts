import { chain, type Middleware, subscribe, text } from '@gatelet/core'
import { rawClient, rawRequest } from '@gatelet/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { expresses } from '../../packages/express/test/expresses.ts'
import { type Front, fronts } from '../attack/support/fronts.ts'
import { message, statuses } from '../attack/support/room.ts'
import { played } from './support/scene.ts'
import { answers, fine, headOf, takesBodies } from './support/servers.ts'

// What goes wrong in this process.

const get = message('GET /x')

afterEach(() => void vi.restoreAllMocks())

describe.each(fronts)('on $name', (front) => {
  const layers: readonly (readonly [string, Middleware, number])[] = [
    [
      'throws',
      () => {
        throw new Error('secret words')
      },
      500,
    ],
    ['rejects', () => Promise.reject(new Error('secret words')), 500],
    [
      'throws what is no error',
      () => {
        throw 'secret words'
      },
      500,
    ],
    ['returns nothing', () => undefined as never, 500],
  ]

  test.each(layers)('a layer that %s is one 500 without its words', async (_, layer, status) => {
    await played({ front, servers: [answers], layers: (forward) => chain().use(layer).to(forward) }, async ({ port, asked }) => {
      const reply = await rawRequest(port, get)
      expect(statuses(reply)).toEqual([status])
      expect(reply.text).not.toContain('secret')
      expect(asked()).toEqual([0])
    })
  })

  test('a layer that asks twice is answered once; the first answer is let go of', async () => {
    const twice: Middleware = async (ctx, next) => {
      await next(ctx)
      return next(ctx)
    }
    await played({ front, servers: [answers], layers: (forward) => chain().use(twice).to(forward) }, async (scene) => {
      const reply = await rawRequest(scene.port, get)
      expect(statuses(reply)).toEqual([200])
      expect(scene.attempts).toEqual(['success', 'success'])
    })
  })

  test('a layer that never settles holds nothing when its client leaves', async () => {
    let isAsked = () => {}
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve
    })
    const never: Middleware = () => {
      isAsked()
      return new Promise(() => {})
    }
    await played(
      { front, servers: [answers], layers: (forward) => chain().use(never).to(forward) },
      async ({ port, ended, ends }) => {
        const client = await rawClient(port)
        client.write(message('GET /x'))
        await asked
        await client.reset()
        await ended()
        expect(ends).toEqual(['aborted 499'])
        await client[Symbol.asyncDispose]()
      },
    )
  })

  test('a strategy that throws is told of, and another picks in its place', async () => {
    let picks = 0
    const strategy = () => ({
      update() {},
      pick(): never {
        picks++
        throw new Error('secret words')
      },
    })
    await played({ front, servers: [answers], balancer: { strategy }, tells: /secret words/ }, async ({ port }) => {
      const reply = await rawRequest(port, get)
      expect(statuses(reply)).toEqual([200])
      expect(reply.text).not.toContain('secret')
    })
    expect(picks).toBeGreaterThan(0)
  })

  test('a clock that jumps by an hour, both ways, changes nothing', async () => {
    await played({ front, servers: [answers], proxy: { timeouts: { totalMs: 2_000 } } }, async ({ port }) => {
      const { now } = Date
      for (const jump of [3_600_000, -3_600_000]) {
        vi.spyOn(Date, 'now').mockImplementation(() => now.call(Date) + jump)
        for (let asked = 0; asked < 5; asked++) expect(statuses(await rawRequest(port, get))).toEqual([200])
      }
    })
  })

  test('an event loop that stands still does not make an endpoint late', async () => {
    const soon = async (connection: Parameters<typeof answers>[0]) => {
      while (await headOf(connection)) connection.write(fine())
    }
    await played({ front, servers: [soon], proxy: { timeouts: { headersMs: 1_500 } } }, async ({ port, attempts, servers }) => {
      await using client = await rawClient(port)
      client.write(message('GET /x'))
      await servers[0]?.when((server) => server.connections[0]?.received.includes('\r\n\r\n'))
      // Longer than the time for headers: the answer is there when the loop goes on. That time goes by in steps of half a
      // second, and a stall is one step however long it is.
      for (const end = performance.now() + 2_000; performance.now() < end; );
      expect((await client.response()).status).toBe(200)
      expect(attempts).toEqual(['success'])
    })
  })

  test('a listener of events that throws concerns no request', async () => {
    const stop = subscribe('request:finished', () => {
      throw new Error('a listener of the test')
    })
    // Node tells of it in a turn of its own.
    const onTold = () => {}
    process.on('uncaughtException', onTold)
    try {
      await played({ front, servers: [answers], tells: /a listener of the test/ }, async ({ port }) => {
        for (let asked = 0; asked < 3; asked++) expect(statuses(await rawRequest(port, get))).toEqual([200])
      })
    } finally {
      stop()
      process.off('uncaughtException', onTold)
    }
  })
})

test('a body that the application has parsed is sent on with its own length', async () => {
  const express = expresses[expresses.length - 1]?.[1]
  const { toExpress } = await import('@gatelet/express')
  const { createServer } = await import('node:http')
  const { startedServer } = await import('@gatelet/testing')
  const parsing: Front = {
    name: 'Express with express.json()',
    isFramework: true,
    start: (layer) => {
      const app = express?.()
      app?.use(express?.json() as never, toExpress(layer))
      return startedServer(createServer(app))
    },
  }
  await played({ front: parsing, servers: [takesBodies] }, async ({ port }) => {
    const reply = await rawRequest(
      port,
      message('POST /x', ['Content-Type: application/json', 'Content-Length: 11'], '{ "a" : 1 }'),
    )
    expect(reply.responses.map(({ status, text: body }) => [status, body])).toEqual([[200, '7']])
  })
})

test('a reply of a layer costs no upstream', async () => {
  await played({ servers: [answers], layers: () => () => text('here') }, async ({ port, asked }) => {
    expect((await rawRequest(port, get)).responses[0]?.text).toBe('here')
    expect(asked()).toEqual([0])
  })
})
