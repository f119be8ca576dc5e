import { once } from 'node:events'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import {
  bytesOf,
  type Context,
  discard,
  GatewayError,
  type Handler,
  HeaderList,
  type Middleware,
  PushSource,
  type Reply,
  text,
} from '@gatelet/core'
import { toExpress } from '@gatelet/express'
import { rawClient, rawRequest, standstill } from '@gatelet/testing'
import compression from 'compression'
import type { ErrorRequestHandler, RequestHandler, Response } from 'express'
import { describe, expect, test } from 'vitest'
import { serving, until } from '../../node/test/framework/serving.ts'
import { expresses } from './expresses.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Waits for the answer, and lets others go first. */
const awaiting: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  await turn()
  return reply
}

const passing: Middleware = (ctx, next) => next(ctx)

describe.each(expresses)('a handler of %s behind a layer', (_, express) => {
  const app = (...handlers: RequestHandler[]) => express().set('env', 'test').use(handlers)

  /** What the client gets from a handler, and what that returns. */
  async function played<T>(layer: Middleware, play: (res: Response) => T | Promise<T>) {
    let result: Promise<T> | undefined
    const handler: RequestHandler = (_req, res) => {
      result = (async () => play(res))()
    }
    await using server = await serving(app(toExpress(layer), handler))
    const { responses, text } = await rawRequest(server.port, GET, { responses: 1 })
    return { result: await result, response: responses.find(({ status }) => status >= 200), text }
  }

  describe.each([
    ['that waits', awaiting],
    ['that does not wait', passing],
  ] as const)('%s', (_, layer) => {
    test('is told that the head is sent and the response ended as soon as it has done so', async () => {
      const { result } = await played(layer, (res) => {
        const before = [res.headersSent, res.writableEnded]
        res.write('a')
        const written = [res.headersSent, res.writableEnded]
        res.end('b')
        return [before, written, [res.headersSent, res.writableEnded]]
      })
      expect(result).toEqual([
        [false, false],
        [true, false],
        [true, true],
      ])
    })

    test('gets the error of Node for header fields that come too late', async () => {
      const { result, response } = await played(layer, (res) => {
        res.set('x-a', '1').json({ ok: true })
        const late = [
          () => res.setHeader('x-b', '2'),
          () => res.appendHeader('x-b', '2'),
          () => res.removeHeader('x-a'),
          () => res.writeHead(201),
          () => res.set('x-b', '2'),
        ]
        return late.map((work) => {
          try {
            work()
            return 'nothing'
          } catch (error) {
            return (error as NodeJS.ErrnoException).code
          }
        })
      })
      expect(result).toEqual(Array(5).fill('ERR_HTTP_HEADERS_SENT'))
      expect([response?.headers.get('x-a'), response?.headers.has('x-b')]).toEqual(['1', false])
    })

    test('is called back for what it writes, and for the end when the reply is out', async () => {
      const { result, text } = await played(layer, async (res) => {
        const told: string[] = []
        res.on('finish', () => told.push('finish'))
        await new Promise<void>((resolve) => res.write('a', () => resolve()))
        told.push('written')
        await new Promise<void>((resolve) => res.end('b', () => resolve()))
        told.push('ended')
        return [told, res.writableFinished]
      })
      expect(result).toEqual([['written', 'finish', 'ended'], true])
      expect(text).toContain('a')
    })

    test('gets an error to its call-back for what it writes behind the end, and the process goes on', async () => {
      const { result, response } = await played(layer, async (res) => {
        res.end('all')
        const codes: unknown[] = []
        const tell = (error?: Error | null) => codes.push((error as NodeJS.ErrnoException | null)?.code)
        res.write('more', tell)
        res.end('more', tell)
        res.end()
        await until(() => codes.length === 2)
        return codes
      })
      expect(result).toEqual(['ERR_STREAM_WRITE_AFTER_END', 'ERR_STREAM_WRITE_AFTER_END'])
      expect(response?.text).toBe('all')
    })

    test('gets the error of Node for what cannot be written', async () => {
      const { result } = await played(layer, (res) => {
        const codes = [null, 7, {}].map((chunk) => {
          try {
            res.write(chunk as never)
            return 'nothing'
          } catch (error) {
            return (error as NodeJS.ErrnoException).code
          }
        })
        res.end()
        return codes
      })
      expect(result).toEqual(['ERR_STREAM_NULL_VALUES', 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_TYPE'])
    })

    test.each<[string, (res: Response) => void, string[]]>([
      ['an object', (res) => void res.writeHead(201, { 'x-a': '1', 'x-b': ['2', '3'] }).end('x'), ['1', '2, 3']],
      [
        'an object, with a phrase',
        (res) => void res.writeHead(201, 'Made', { 'x-a': '1', 'x-b': ['2', '3'] }).end('x'),
        ['1', '2, 3'],
      ],
      [
        'a flat list',
        (res) => void res.set('x-b', '0').writeHead(201, ['x-a', '1', 'X-B', '2', 'x-b', '3']).end('x'),
        ['1', '2, 3'],
      ],
    ])('writes its head with %s', async (_, write, values) => {
      const { response } = await played(layer, write)
      expect([response?.status, response?.headers.get('x-a'), response?.headers.get('x-b'), response?.text]).toEqual([
        201,
        ...values,
        'x',
      ])
    })

    test('keeps its own reason phrase', async () => {
      const { response } = await played(layer, (res) => void res.writeHead(200, 'Fine').end('x'))
      expect(response?.reason).toBe('Fine')
    })

    test('gets an error for a status that is none', async () => {
      const { result } = await played(layer, (res) => {
        try {
          res.writeHead(99)
        } catch (error) {
          return (error as NodeJS.ErrnoException).code
        } finally {
          res.end()
        }
        return 'nothing'
      })
      expect(result).toBe('ERR_HTTP_INVALID_STATUS_CODE')
    })

    test('writes strings in other codings', async () => {
      const { response } = await played(layer, (res) => {
        res.write('636166', 'hex')
        res.end('\xe9', 'latin1')
      })
      expect(response?.body.toString('latin1')).toBe('caf\xe9')
    })

    test('sends trailers', async () => {
      const { text } = await played(layer, async (res) => {
        res.setHeader('trailer', 'x-sum')
        res.write('data')
        await turn()
        res.addTrailers({ 'x-sum': '42' })
        res.end()
      })
      expect(text).toMatch(/trailer: x-sum\r\n/i)
      expect(text).toMatch(/0\r\nx-sum: 42\r\n\r\n$/)
    })

    test('shows the client its head before it has a body, when it flushes that', async () => {
      let hold: Response | undefined
      const handler: RequestHandler = (_req, res) => {
        hold = res
        res.type('text/event-stream').flushHeaders()
      }
      await using server = await serving(app(toExpress(layer), handler))
      await using client = await rawClient(server.port)
      client.write(GET)
      expect(await client.read('\r\n\r\n')).toMatch(/text\/event-stream/)
      hold?.write('data: 1\n\n')
      await client.read('data: 1\n\n')
    })

    test('sends files, ranges and what has not changed', async () => {
      await using server = await serving(app(toExpress(layer), express.static(import.meta.dirname)))
      const whole = await fetch(`${server.url}/expresses.ts`)
      const etag = whole.headers.get('etag') ?? ''
      expect(await whole.text()).toMatch(/export type Express/)
      const part = await fetch(`${server.url}/expresses.ts`, { headers: { range: 'bytes=0-5' } })
      expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([
        206,
        'import',
        expect.stringMatching(/^bytes 0-5\//),
      ])
      const same = await fetch(`${server.url}/expresses.ts`, { headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' } })
      expect([same.status, same.headers.get('etag')]).toEqual([304, etag])
    })
  })

  test('waits for room where a layer reads slowly, and hears when there is some', async () => {
    const seen: string[] = []
    let read: () => void = () => {}
    const slowly: Middleware = async (ctx, next) => {
      const reply = await next(ctx)
      await new Promise<void>((resolve) => {
        read = resolve
      })
      return text(String((await bytesOf(reply.body, 1_000_000)).byteLength))
    }
    const handler: RequestHandler = async (_req, res) => {
      while (res.write(Buffer.alloc(10_000))) seen.push('room')
      seen.push('full')
      res.write(Buffer.alloc(10_000), () => seen.push('called back'))
      const drained = once(res, 'drain')
      await turn()
      seen.push('reads')
      read()
      await drained
      seen.push('drained')
      res.end()
    }
    await using server = await serving(app(toExpress(slowly), handler))
    expect(await (await fetch(server.url)).text()).toBe('80000')
    expect(seen.filter((each) => each !== 'room')).toEqual(['full', 'reads', 'called back', 'drained'])
    expect(seen.filter((each) => each === 'room')).toHaveLength(6)
  })

  test('takes its listener for room off again', async () => {
    const { result } = await played(awaiting, async (res) => {
      let heard = 0
      const listener = () => heard++
      res.on('drain', listener)
      res.addListener('drain', listener)
      res.off('drain', listener).removeListener('drain', listener)
      while (res.write(Buffer.alloc(10_000)));
      await once(res, 'drain')
      res.end()
      return heard
    })
    expect(result).toBe(0)
  })

  test('goes on to its end though a layer throws its stream away', async () => {
    let ended = false
    const dropping: Middleware = async (ctx, next) => {
      discard((await next(ctx)).body)
      return text('mine')
    }
    const handler: RequestHandler = async (_req, res) => {
      for (let at = 0; at < 100; at++) if (!res.write(Buffer.alloc(65_536))) await once(res, 'drain')
      res.end()
      ended = true
    }
    await using server = await serving(app(toExpress(dropping), handler))
    expect(await (await fetch(server.url)).text()).toBe('mine')
    await until(() => ended)
  })

  test('may answer when a layer has long done so: nothing happens', async () => {
    let late: (() => void) | undefined
    const impatient: Middleware = (ctx, next) => {
      void Promise.resolve(next(ctx)).catch(() => {})
      return text('504', 504)
    }
    const handler: RequestHandler = (_req, res) => {
      late = () => res.status(201).set('x-late', '1').json({ late: true })
    }
    await using server = await serving(app(toExpress(impatient), handler))
    expect((await fetch(server.url)).status).toBe(504)
    await until(() => server.finished.length === 1)
    expect(late).not.toThrow()
  })

  test('that answers too late does not change which status is told to have been sent', async () => {
    const body = new PushSource({ pause() {}, resume() {}, cancel() {} })
    const impatient: Middleware = (ctx, next) => {
      void Promise.resolve(next(ctx)).catch(() => {})
      body.push(Buffer.from('no '))
      return { status: 504, headers: new HeaderList(), body }
    }
    let late: () => void = () => {}
    const handler: RequestHandler = (_req, res) => {
      late = () => void res.status(201).end('late')
    }
    await using server = await serving(app(toExpress(impatient), handler))
    await using client = await rawClient(server.port)
    client.write(GET)
    expect(await client.read('no ')).toMatch(/^HTTP\/1\.1 504 /)
    late()
    body.end()
    await client.read('0\r\n\r\n')
    await until(() => server.finished.length === 1)
    expect(server.finished[0]?.summary).toMatchObject({ outcome: 'finished', status: 504 })
  })

  test('gives an error to the error handler of the application, whose status is the one that is told', async () => {
    const failing: Middleware = async (ctx, next) => {
      discard((await next(ctx)).body)
      throw new GatewayError('NO_ENDPOINT')
    }
    const onError: ErrorRequestHandler = (error, _req, res, _next) => void res.status(418).send(error.code)
    const whole = app(toExpress(awaiting), toExpress(failing, { passErrors: true }), (_req, res) => void res.json({}))
    await using server = await serving(whole.use(onError))
    const reply = await fetch(server.url)
    expect([reply.status, await reply.text()]).toEqual([418, 'NO_ENDPOINT'])
    await until(() => server.finished.length === 1)
    expect(server.finished[0]?.summary).toMatchObject({ outcome: 'finished', status: 418 })
  })

  test('may be another layer, to which the error handler goes on with a request that was refused', async () => {
    const goOn: ErrorRequestHandler = (_error, _req, _res, next) => next()
    const whole = app(toExpress(passing, { strictPaths: true, passErrors: true })).use(
      goOn,
      toExpress(() => text('mine', 404)),
    )
    await using server = await serving(whole)
    const behind = 'GET /behind HTTP/1.1\r\nHost: a\r\n\r\n'
    const { responses, text: all } = await rawRequest(server.port, `GET //x HTTP/1.1\r\nHost: a\r\n\r\n${behind}`)
    expect(responses.map(({ status, text }) => [status, text])).toEqual([[404, 'mine']])
    expect(all).toMatch(/\r\nConnection: close\r\n/i)
  })

  test('is asked by a layer inside of another, each of which sees the answer', async () => {
    const seen: string[] = []
    const noting =
      (name: string, layer: Middleware): Middleware =>
      async (ctx, next) => {
        const reply = await layer(ctx, next)
        seen.push(`${name} ${reply.status} ${reply.headers.get('x-inner') ?? '-'}`)
        reply.headers.set(`x-${name}`, '1')
        return reply
      }
    await using server = await serving(
      app(
        toExpress(noting('outer', awaiting)),
        toExpress(noting('inner', passing)),
        (_req, res) => void res.status(201).send('x'),
      ),
    )
    const reply = await fetch(server.url)
    expect([reply.status, reply.headers.get('x-outer'), reply.headers.get('x-inner'), await reply.text()]).toEqual([
      201,
      '1',
      '1',
      'x',
    ])
    expect(seen).toEqual(['inner 201 -', 'outer 201 1'])
  })

  test('streams through layers with compression between them', async () => {
    const bytes: number[] = []
    const counting = (): Middleware => async (ctx, next) => {
      const reply = await next(ctx)
      const body = await bytesOf(reply.body, 10_000_000)
      bytes.push(body.byteLength)
      return { ...reply, body }
    }
    const handler: RequestHandler = (_req, res) => {
      res.type('text/plain')
      Readable.from(Array(50).fill('hello '.repeat(1_000))).pipe(res)
    }
    await using server = await serving(app(toExpress(counting()), compression(), toExpress(counting()), handler))
    expect(await (await fetch(server.url)).text()).toBe('hello '.repeat(50_000))
    expect(bytes[0]).toBe(300_000)
    expect(bytes[1]).toBeLessThan(10_000)
  })

  test('is held to the pace of a client that takes nothing, with compression in front of the layer', async () => {
    let made = 0
    const source = function* () {
      for (; made < 600; made++) yield Buffer.from(Array.from({ length: 65_536 }, () => Math.random() * 256))
    }
    const handler: RequestHandler = (_req, res) => {
      res.type('text/plain')
      Readable.from(source()).pipe(res)
    }
    await using server = await serving(app(compression(), toExpress(awaiting), handler))
    await using client = await rawClient(server.port)
    client.write('GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n')
    await client.read('\r\n\r\n')
    client.pause()
    await standstill(() => made)
    expect(made).toBeLessThan(600)
  }, 30_000)

  test('is held in a sub-application, and behind one that has let the request pass', async () => {
    const marking: Middleware = async (ctx, next) => {
      const reply = await next(ctx)
      reply.headers.set('x-seen', String(reply.status))
      return reply
    }
    const passed = express()
    passed.use((_req, _res, next) => next())
    const inner = express()
    inner.get('/', (_req, res) => void res.status(201).json({ inner: true }))
    const whole = express().set('env', 'test')
    whole.use(toExpress(marking), passed)
    whole.use('/inner', inner)
    whole.get('/', (_req, res) => void res.status(202).send('outer'))
    await using server = await serving(whole)
    expect((await fetch(`${server.url}/inner`)).headers.get('x-seen')).toBe('201')
    expect((await fetch(server.url)).headers.get('x-seen')).toBe('202')
  })

  test('may have methods of its own put on its response', async () => {
    const calls: string[] = []
    const wrapping: RequestHandler = (_req, res, next) => {
      const { end } = res
      res.end = ((...args: Parameters<typeof end>) => {
        calls.push(args.length > 0 ? 'end with a chunk' : 'end')
        return end.apply(res, args)
      }) as typeof end
      next()
    }
    await using server = await serving(app(wrapping, toExpress(awaiting), wrapping, (_req, res) => void res.send('x')))
    expect(await (await fetch(server.url)).text()).toBe('x')
    expect(calls).toEqual(['end with a chunk', 'end with a chunk'])
  })

  test('of whose stream a layer makes another is not waited for when the client has left', async () => {
    const begun: Context[] = []
    const failed: unknown[] = []
    const layer: Middleware = async (ctx, next) => {
      const reply = await next(ctx)
      begun.push(ctx)
      await bytesOf(reply.body, 1_000_000).catch((error) => failed.push(error))
      return reply
    }
    await using server = await serving(app(toExpress(layer), (_req, res) => void res.write('a part')))
    await using client = await rawClient(server.port)
    client.write(GET)
    await until(() => begun.length === 1)
    await client.reset()
    await until(() => failed.length === 1)
    expect(failed[0]).toMatchObject({ code: 'CLIENT_CLOSED' })
  })

  test('is not held when the layer answers by itself: what stands in front of it keeps its headers', async () => {
    const front: RequestHandler = (_req, res, next) => {
      res.set('x-front', '1').append('vary', 'origin')
      next()
    }
    const answers: Handler = () => ({ status: 429, headers: new HeaderList({ 'retry-after': '3' }), body: 'slowly' })
    await using server = await serving(app(front, toExpress(answers)))
    const reply = await fetch(server.url)
    expect([reply.status, reply.headers.get('x-front'), reply.headers.get('vary'), reply.headers.get('retry-after')]).toEqual([
      429,
      '1',
      'origin',
      '3',
    ])
  })

  test('leaves to a reply that stands for its own what was set before it', async () => {
    const front: RequestHandler = (_req, res, next) => {
      res.set({ 'x-front': '1', 'x-changed': 'before' })
      next()
    }
    const replacing: Middleware = async (ctx, next): Promise<Reply> => {
      discard((await next(ctx)).body)
      throw new GatewayError('NO_ENDPOINT')
    }
    const handler: RequestHandler = (_req, res) => void res.set({ 'x-own': '1', 'x-changed': 'behind' }).send('x')
    await using server = await serving(app(front, toExpress(replacing), handler))
    const { status, headers } = await fetch(server.url)
    expect([status, headers.get('x-front'), headers.get('x-changed'), headers.get('x-own')]).toEqual([503, '1', 'before', null])
  })

  test.each<[string, (res: Response) => unknown, number | undefined]>([
    ['json', (res) => res.json({ ok: true }), 11],
    ['no content', (res) => res.status(204).end(), 0],
    ['chunks without a length', (res) => res.write('a') && setTimeout(() => res.end('b'), 20), undefined],
  ])('ends with the bytes of its answer where it says how many: %s', async (_, play, sentBytes) => {
    await using server = await serving(app(toExpress(passing), (_req, res) => void play(res)))
    await rawRequest(server.port, GET, { responses: 1 })
    await until(() => server.finished.length === 1)
    expect(server.finished[0]?.summary).toMatchObject({ outcome: 'finished', receivedBytes: 0, sentBytes })
  })
})
