import { once } from 'node:events'
import { PassThrough, Readable, Stream } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { bytesOf, discard, GatewayError, type Handler, HeaderList, type Middleware, PushSource, text } from '@gatelet/core'
import { toKoa } from '@gatelet/koa'
import { rawClient, rawRequest, standstill } from '@gatelet/testing'
import type Koa from 'koa'
import { describe, expect, test } from 'vitest'
import { serving, until } from '../../node/test/framework/serving.ts'
import { koas } from './koas.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

const passing: Middleware = (ctx, next) => next(ctx)

/** Waits for the answer, lets others go first, and leaves a mark. */
const marking: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  await turn()
  reply.headers.set('x-mark', `${reply.status} ${reply.body === null ? 'without a body' : 'with one'}`)
  return reply
}

/** Reads the whole answer and sends it on. */
const reading: Middleware = async (ctx, next) => {
  const reply = await next(ctx)
  reply.body = await bytesOf(reply.body, 10_000_000)
  return reply
}

const impatient: Middleware = (ctx, next) => {
  void Promise.resolve(next(ctx)).catch(() => {})
  return text('no patience', 504)
}

describe.each(koas)('the middleware of %s behind a layer', (_, KoaClass) => {
  const app = (...middleware: Koa.Middleware[]) => {
    const made = Object.assign(new KoaClass(), { silent: true })
    for (const each of middleware) made.use(each)
    return made
  }
  const played = (...middleware: Koa.Middleware[]) => serving(app(...middleware).callback())

  /** One answer, where a client gets the one that is right for HTTP/1.1. */
  async function asked(layer: Middleware, middleware: Koa.Middleware, request = GET) {
    await using server = await played(toKoa(layer), middleware)
    const { responses, text } = await rawRequest(server.port, request, { responses: 1 })
    const [response] = responses
    if (!response) throw new Error(`no response: ${text}`)
    return response
  }

  describe.each([
    ['that passes it through', passing],
    ['that adds to it', marking],
    ['that reads it', reading],
  ] as const)('%s', (_, layer) => {
    test.each<[string, () => unknown, string, string]>([
      ['a text', () => 'caf\u00e9', 'text/plain; charset=utf-8', 'caf\u00e9'],
      ['a text that looks like HTML', () => '<p>', 'text/html; charset=utf-8', '<p>'],
      ['bytes', () => Buffer.from('bytes'), 'application/octet-stream', 'bytes'],
      ['an object', () => ({ a: ['\u00e9'] }), 'application/json; charset=utf-8', '{"a":["\u00e9"]}'],
      ['a stream', () => Readable.from([Buffer.from('a '), Buffer.from('stream')]), 'application/octet-stream', 'a stream'],
      ['a stream of texts', () => Readable.from(['a ', 'str\u00e9am']), 'application/octet-stream', 'a str\u00e9am'],
    ])('gets %s to the client, with the type that Koa gives it', async (_, body, type, expected) => {
      const response = await asked(layer, (ctx) => {
        ctx.body = body()
      })
      expect([response.status, response.headers.get('content-type'), response.text]).toEqual([200, type, expected])
    })

    test('keeps status, phrase, type, cookies and headers', async () => {
      const response = await asked(layer, (ctx) => {
        ctx.status = 201
        ctx.message = 'Made'
        ctx.type = 'text/csv'
        ctx.cookies.set('a', '1')
        ctx.cookies.set('b', '2')
        ctx.set({ 'X-Own': 'yes', ETag: '"1"' })
        ctx.body = 'a,b'
      })
      expect([response.status, response.reason, response.text]).toEqual([201, 'Made', 'a,b'])
      expect(['content-type', 'x-own', 'etag', 'content-length'].map((name) => response.headers.get(name))).toEqual([
        'text/csv; charset=utf-8',
        'yes',
        '"1"',
        '3',
      ])
      expect(response.headers.getSetCookie()).toEqual(['a=1; path=/; httponly', 'b=2; path=/; httponly'])
    })

    test('leaves what nobody answers to Koa: Not Found', async () => {
      const response = await asked(layer, () => {})
      expect([response.status, response.text]).toEqual([404, layer === reading ? '' : 'Not Found'])
    })

    test.each([
      ['a body of null', 204, (ctx: Koa.Context) => void Object.assign(ctx, { body: null })],
      ['a status of 204', 204, (ctx: Koa.Context) => void Object.assign(ctx, { status: 204 })],
      ['a status of 304', 304, (ctx: Koa.Context) => void Object.assign(ctx, { status: 304 })],
    ])('sends nothing for %s', async (_, status, answer) => {
      const response = await asked(layer, answer)
      expect([response.status, response.body.byteLength, response.headers.get('content-type')]).toEqual([status, 0, undefined])
    })

    test('has in answer to HEAD the headers of a GET, without the body', async () => {
      const response = await asked(
        layer,
        (ctx) => {
          ctx.body = 'words'
        },
        'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n',
      )
      expect([response.status, response.headers.get('content-length'), response.body.byteLength]).toEqual([200, '5', 0])
    })

    test('gets what it throws to Koa as it was, and the client what Koa makes of that', async () => {
      const seen: unknown[] = []
      const mistake = new Error('a mistake')
      const whole = app(toKoa(layer), (ctx) => {
        ctx.set('x-own', 'yes')
        if (ctx.path === '/refused') ctx.throw(403, 'not you')
        throw mistake
      })
      whole.on('error', (error) => seen.push(error))
      await using server = await serving(whole.callback())
      const broken = await fetch(server.url)
      expect([broken.status, await broken.text()]).toEqual([500, 'Internal Server Error'])
      const refused = await fetch(`${server.url}/refused`)
      expect([refused.status, await refused.text(), refused.headers.get('x-own')]).toEqual([403, 'not you', null])
      expect(seen[0]).toBe(mistake)
    })

    test.each<[string, () => unknown]>([
      ['a Blob', () => new Blob(['words'])],
      ['a web stream', () => new Blob(['words']).stream()],
      ['a Response', () => new Response('words')],
      ['a stream of the old kind', () => oldStream('words')],
    ])('gets %s to the client as Koa itself would', async (_, body) => {
      const middleware: Koa.Middleware = (ctx) => {
        ctx.body = body()
        ctx.status = 203
      }
      await using bare = await played(middleware)
      const expected = await (await fetch(bare.url)).text()
      const response = await asked(layer, middleware)
      // Koa 2 takes what it does not know for an object; a layer that reads it has its bytes.
      expect([response.status, response.text]).toEqual([203, layer === reading ? 'words' : expected])
    })
  })

  describe.each([
    ['waits', marking],
    ['reads', reading],
  ] as const)('a layer %s', (_, layer) => {
    test('while the stream fails: Koa’s error handling has it, or the layer, and the client a 500', async () => {
      const seen: unknown[] = []
      const lost = new Error('lost')
      const whole = app(toKoa(layer), (ctx) => {
        const stream = new Readable({ read() {} })
        ctx.body = stream
        setImmediate(() => stream.destroy(lost))
      })
      whole.on('error', (error) => seen.push(error))
      await using server = await serving(whole.callback())
      const reply = await fetch(server.url)
      expect([reply.status, await reply.text()]).toEqual([500, expect.not.stringContaining('lost')])
      if (layer === marking) expect(seen).toEqual([lost])
    })
  })

  test('is held to the pace of a layer that reads slowly, and of a client that takes nothing', async () => {
    let made = 0
    function* blocks() {
      for (; made < 600; made++) yield Buffer.alloc(65_536)
    }
    await using server = await played(toKoa(marking), (ctx) => {
      ctx.body = Readable.from(blocks())
    })
    await using client = await rawClient(server.port)
    client.write(GET)
    await client.read('\r\n\r\n')
    client.pause()
    await standstill(() => made)
    expect(made).toBeLessThan(600)
    const before = made
    client.resume()
    await until(() => made > before)
  })

  test('is not begun to be read while a layer has not answered', async () => {
    let reads = 0
    let go: () => void = () => {}
    const waiting: Middleware = async (ctx, next) => {
      const reply = await next(ctx)
      await new Promise<void>((resolve) => {
        go = resolve
      })
      return reply
    }
    const source = new Readable({
      highWaterMark: 16_384,
      read() {
        reads++
        this.push(reads > 50 ? null : Buffer.alloc(16_384))
      },
    })
    await using server = await played(toKoa(waiting), (ctx) => {
      ctx.body = source
    })
    const answer = fetch(server.url)
    await standstill(() => reads)
    expect(reads).toBeLessThanOrEqual(1)
    go()
    expect((await (await answer).arrayBuffer()).byteLength).toBe(50 * 16_384)
  })

  test('has its stream destroyed where a layer throws it away', async () => {
    const stream = new PassThrough()
    const closed = once(stream, 'close')
    const dropping: Middleware = async (ctx, next) => {
      discard((await next(ctx)).body)
      return text('mine')
    }
    await using server = await played(toKoa(dropping), (ctx) => {
      ctx.body = stream
    })
    expect(await (await fetch(server.url)).text()).toBe('mine')
    await closed
  })

  test('has its stream destroyed when the client leaves', async () => {
    const stream = new PassThrough()
    const closed = once(stream, 'close')
    await using server = await played(toKoa(marking), (ctx) => {
      ctx.body = stream
    })
    await using client = await rawClient(server.port)
    client.write(GET)
    stream.write('first')
    await client.read('first')
    await client.reset()
    await closed
    await until(() => server.finished.length === 1)
    expect(server.finished[0]?.summary).toMatchObject({ outcome: 'aborted', status: 200 })
  })

  test('breaks its reply off where its stream fails in the middle', async () => {
    const stream = new PassThrough()
    await using server = await played(toKoa(marking), (ctx) => {
      ctx.body = stream
    })
    await using client = await rawClient(server.port)
    client.write(GET)
    stream.write('first')
    await client.read('first')
    stream.destroy(new Error('lost'))
    await client.left()
    expect(client.received.toString('latin1')).not.toMatch(/0\r\n\r\n$/)
    await until(() => server.finished.length === 1)
    expect(server.finished[0]?.summary).toMatchObject({ status: 200 })
  })

  test('may answer when a layer has long done so: nothing comes of it, and the status that was sent is told', async () => {
    const body = new PushSource({ pause() {}, resume() {}, cancel() {} })
    const streaming: Middleware = (ctx, next) => {
      void Promise.resolve(next(ctx)).catch(() => {})
      body.push(Buffer.from('no '))
      return { status: 504, headers: new HeaderList(), body }
    }
    let answerLate: () => void = () => {}
    let answered: Promise<void> | undefined
    await using server = await played(toKoa(streaming), async (ctx) => {
      const late = new Promise<void>((resolve) => {
        answerLate = resolve
      })
      answered = late.then(() => {
        ctx.status = 201
        ctx.set('x-late', '1')
      })
      await answered
    })
    await using client = await rawClient(server.port)
    client.write(GET)
    expect(await client.read('no ')).toMatch(/^HTTP\/1\.1 504 /)
    answerLate()
    await answered
    body.push(Buffer.from('patience'))
    body.end()
    expect(await client.read('0\r\n\r\n')).not.toContain('x-late')
    await until(() => server.finished.length === 1)
    expect(server.finished[0]?.summary).toMatchObject({ outcome: 'finished', status: 504 })
  })

  test('that never answers hangs nobody: the layer does, or the client leaves', async () => {
    await using server = await played(toKoa(impatient), () => new Promise(() => {}))
    const reply = await fetch(server.url)
    expect([reply.status, await reply.text()]).toEqual([504, 'no patience'])
    await using patient = await played(toKoa(marking), () => new Promise(() => {}))
    await using client = await rawClient(patient.port)
    client.write(GET)
    await turn()
    await client.reset()
    await until(() => patient.finished.length === 1)
    expect(patient.finished[0]?.summary).toMatchObject({ outcome: 'aborted', status: 499 })
  })

  test('has nothing of its answer sent where a layer throws, by itself or to Koa', async () => {
    const failing: Middleware = async (ctx, next) => {
      discard((await next(ctx)).body)
      throw new GatewayError('NO_ENDPOINT')
    }
    const errors: unknown[] = []
    for (const passErrors of [false, true]) {
      const front: Koa.Middleware = async (ctx, next) => {
        ctx.set('x-front', '1')
        try {
          await next()
        } catch (error) {
          errors.push(error)
          throw error
        }
      }
      await using server = await played(front, toKoa(failing, { passErrors }), (ctx) => {
        ctx.set('x-own', '1')
        ctx.body = Readable.from(['words'])
      })
      const reply = await fetch(server.url)
      expect([reply.status, reply.headers.get('x-own')]).toEqual([503, null])
      await until(() => server.finished.length === 1)
      expect(server.finished[0]?.summary.status).toBe(503)
    }
    expect(errors).toEqual([expect.objectContaining({ code: 'NO_ENDPOINT' })])
  })

  test('is asked by a layer inside of another, each of which sees the answer', async () => {
    const seen: string[] = []
    const noting =
      (name: string): Middleware =>
      async (ctx, next) => {
        const reply = await next(ctx)
        seen.push(`${name} ${reply.status} ${reply.headers.get('x-inner') ?? '-'}`)
        reply.headers.set(`x-${name}`, '1')
        reply.status += 1
        return reply
      }
    await using server = await played(toKoa(noting('outer')), toKoa(noting('inner')), (ctx) => {
      ctx.status = 200
      ctx.body = 'x'
    })
    const reply = await fetch(server.url)
    expect([reply.status, reply.headers.get('x-outer'), reply.headers.get('x-inner'), await reply.text()]).toEqual([
      202,
      '1',
      '1',
      'x',
    ])
    expect(seen).toEqual(['inner 200 -', 'outer 201 1'])
  })

  test('may write to Node’s response without Koa: the layer is not in its way', async () => {
    await using server = await played(toKoa(marking), (ctx) => {
      ctx.respond = false
      ctx.res.writeHead(201, { 'x-own': '1' })
      ctx.res.end('by hand')
    })
    const reply = await fetch(server.url)
    expect([reply.status, reply.headers.get('x-own'), await reply.text()]).toEqual([201, '1', 'by hand'])
    await until(() => server.finished.length === 1)
    expect(server.finished[0]?.summary).toMatchObject({ outcome: 'finished', status: 201 })
  })

  test('leaves to a reply that stands for its own what was set before it', async () => {
    const front: Koa.Middleware = (ctx, next) => {
      ctx.set({ 'x-front': '1', 'x-changed': 'before' })
      return next()
    }
    const answers: Middleware = async (ctx, next) => {
      discard((await next(ctx)).body)
      return { status: 429, headers: new HeaderList({ 'retry-after': '3' }), body: 'slowly' }
    }
    const own: Koa.Middleware = (ctx) => {
      ctx.set({ 'x-own': '1', 'x-changed': 'behind' })
      ctx.body = { a: 1 }
    }
    await using server = await played(front, toKoa(answers), own)
    const { status, headers } = await fetch(server.url)
    expect([
      status,
      ...['x-front', 'x-changed', 'x-own', 'retry-after', 'content-type'].map((name) => headers.get(name)),
    ]).toEqual([429, '1', 'before', null, '3', null])
  })

  test('is not asked where the layer answers by itself', async () => {
    let calls = 0
    const answers: Handler = () => text('mine', 202)
    await using server = await played(toKoa(answers), () => void calls++)
    const reply = await fetch(server.url)
    expect([reply.status, await reply.text(), calls]).toEqual([202, 'mine', 0])
  })
})

/** A stream as Node had them before `Readable`. Speaks when somebody listens. */
function oldStream(words: string): Stream {
  const stream = new Stream()
  stream.on('newListener', (event) => {
    if (event !== 'data') return
    setImmediate(() => {
      stream.emit('data', Buffer.from(words))
      stream.emit('end')
    })
  })
  return Object.assign(stream, { pause() {}, resume() {} })
}
