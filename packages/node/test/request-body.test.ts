import type { Socket } from 'node:net'
import {
  type Body,
  bytesOf,
  type Context,
  type Flow,
  GatewayError,
  HeaderList,
  PushSource,
  type Reply,
  type Sink,
  type Source,
  sourceOf,
  text,
} from '@gatelet/core'
import { rawClient, rawRequest, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { deferred, head, serving, until } from './serving.ts'

const upload = (length: number, fields = '') => `POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n${fields}\r\n`
const chunked = (fields = '') => `POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n${fields}\r\n`

const textOf = async (body: Body) => Buffer.from(await bytesOf(body, 1e6)).toString()

/** Notes what comes. */
class Collector implements Sink {
  readonly chunks: Buffer[] = []
  trailers: HeaderList | undefined
  readonly done = deferred<'end' | Error>()
  write(chunk: Uint8Array): boolean {
    this.chunks.push(Buffer.from(chunk))
    return true
  }
  end(trailers?: HeaderList): void {
    this.trailers = trailers
    this.done.resolve('end')
  }
  fail(error: Error): void {
    this.done.resolve(error)
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }
}

describe('the body of a request', () => {
  test.for<[string, string, string]>([
    ['with a length', `${upload(5)}hello`, 'hello'],
    ['in chunks', `${chunked()}2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`, 'hello'],
    ['in chunks, empty', `${chunked()}0\r\n\r\n`, ''],
    ['of a GET', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi', 'hi'],
  ])('is read: %s', async ([, request, expected]) => {
    await using server = await serving(async (ctx) =>
      text(`${await textOf(ctx.request.body)}|${sourceOf(ctx.request.body).length}`),
    )
    await using client = await rawClient(server.port)
    client.write(request + head('GET /next'))
    const length = request.includes('Content-Length') ? expected.length : undefined
    expect((await client.response()).text).toBe(`${expected}|${length}`)
    expect((await client.response()).text).toBe('|0')
  })

  test.for([head('GET /'), upload(0), head('DELETE /')])('is null where there is none', async (request) => {
    await using server = await serving((ctx) => text(String(ctx.request.body)))
    await using client = await rawClient(server.port)
    client.write(request)
    expect((await client.response()).text).toBe('null')
  })

  test('can be taken whole once it is here, and only once', async () => {
    const taken: unknown[] = []
    await using server = await serving(async (ctx) => {
      const source = ctx.request.body as Source
      taken.push(source.take()) // Node has not parsed it yet.
      await new Promise((resolve) => setImmediate(resolve))
      taken.push(Buffer.from(source.take() ?? '').toString(), source.take())
      return text('ok')
    })
    await using client = await rawClient(server.port)
    client.write(`${upload(5)}hello${head('GET /')}`)
    await client.response()
    expect(taken).toEqual([undefined, 'hello', undefined])
  })

  test('cannot be read twice', async () => {
    await using server = await serving(async (ctx) => {
      await textOf(ctx.request.body)
      return text(await textOf(ctx.request.body))
    })
    const { responses } = await rawRequest(server.port, `${upload(5, 'Connection: close\r\n')}hello`)
    expect(JSON.parse(responses[0]?.text ?? '').code).toBe('BODY_USED')
  })

  test('brings its trailers', async () => {
    await using server = await serving(async (ctx) => {
      const into = new Collector()
      sourceOf(ctx.request.body).pipeTo(into)
      await into.done.promise
      return text(`${into.text} ${into.trailers?.get('x-sum')}`)
    })
    const { responses } = await rawRequest(server.port, `${chunked('Connection: close\r\n')}1\r\nx\r\n0\r\nX-Sum: 7\r\n\r\n`)
    expect(responses[0]?.text).toBe('x 7')
  })

  test('is not taken from the client before somebody wants it', async () => {
    const begin = deferred()
    await using server = await serving(async (ctx) => {
      if (ctx.request.method === 'GET') return text('')
      await begin.promise
      return text(String((await bytesOf(ctx.request.body, 1e8)).byteLength))
    })
    const accepted = deferred<Socket>()
    server.server.once('connection', accepted.resolve)
    const size = 32 * 1024 * 1024
    await using client = await rawClient(server.port)
    client.write(upload(size))
    client.write(Buffer.alloc(size))
    const socket = await accepted.promise
    await until(() => socket.bytesRead > 1000)
    for (let i = 0; i < 20; i++) await fetch(server.url)
    expect(socket.bytesRead).toBeLessThan(1024 * 1024)
    begin.resolve()
    expect((await client.response()).text).toBe(String(size))
  })

  test('waits while its reader is full', async () => {
    let isFull = false
    let overruns = 0
    await using server = await serving(async (ctx) => {
      const ended = deferred()
      let bytes = 0
      const flow: Flow = sourceOf(ctx.request.body).pipeTo({
        write(chunk) {
          if (isFull) overruns++
          bytes += chunk.byteLength
          isFull = true
          setImmediate(() => {
            isFull = false
            flow.resume()
          })
          return false
        },
        end: () => ended.resolve(),
        fail: ended.reject,
      })
      await ended.promise
      return text(String(bytes))
    })
    const size = 4 * 1024 * 1024
    await using client = await rawClient(server.port)
    client.write(upload(size))
    client.write(Buffer.alloc(size))
    expect((await client.response()).text).toBe(String(size))
    expect(overruns).toBe(0)
  })
})

describe('a client that expects 100-continue', () => {
  const expecting = 'Expect: 100-continue\r\n'

  test('is told to go on when the body is first read, not before', async () => {
    const begin = deferred()
    await using server = await serving(async (ctx) => {
      if (ctx.request.method === 'POST') await begin.promise
      return text(await textOf(ctx.request.body))
    })
    await using client = await rawClient(server.port)
    client.write(upload(5, expecting))
    for (let i = 0; i < 5; i++) await fetch(server.url)
    expect(client.received.byteLength).toBe(0)
    begin.resolve()
    await client.read('HTTP/1.1 100 Continue\r\n\r\n')
    client.write('hello')
    expect((await client.response()).text).toBe('hello')
    client.write(head('GET /'))
    expect((await client.response()).status).toBe(200)
  })

  test('is not told so when it is refused, and the connection ends', async () => {
    await using server = await serving(() => text('no', 401))
    const { responses, closed } = await rawRequest(server.port, upload(5, expecting))
    expect([responses.map(({ status }) => status), responses[0]?.headers.get('connection'), closed]).toEqual([
      [401],
      'close',
      'end',
    ])
  })
})

describe('a body that does not come to its end', () => {
  const reading = () => {
    const into = new Collector()
    const connected = deferred()
    return {
      into,
      connected: connected.promise,
      async handler(ctx: Context) {
        sourceOf(ctx.request.body).pipeTo(into)
        connected.resolve()
        const how = await into.done.promise
        if (how !== 'end') throw how
        return text('all')
      },
    }
  }

  test('because the client leaves fails with CLIENT_CLOSED', async () => {
    const { into, connected, handler } = reading()
    await using server = await serving(handler)
    await using client = await rawClient(server.port)
    client.write(`${upload(10)}part`)
    await connected
    await client.reset()
    expect(await into.done.promise).toMatchObject({ code: 'CLIENT_CLOSED' })
    expect(await server.ended(1)).toEqual(['aborted 499'])
  })

  test('because the client ends its side fails too', async () => {
    const { into, connected, handler } = reading()
    await using server = await serving(handler)
    await using client = await rawClient(server.port)
    client.write(`${upload(10)}part`)
    await connected
    client.end()
    expect(await into.done.promise).toMatchObject({ code: 'CLIENT_CLOSED' })
    expect(await server.ended(1)).toEqual(['aborted 499'])
  })

  test('fails who reads it only after the client has left', async () => {
    const begun = deferred()
    const left = deferred()
    const failed = deferred<unknown>()
    await using server = await serving(async (ctx) => {
      begun.resolve()
      ctx.onAbort(left.resolve)
      const { body } = ctx.request
      await left.promise
      await bytesOf(body, 100).catch(failed.resolve)
      return text('late')
    })
    await using client = await rawClient(server.port)
    client.write(`${upload(10)}part`)
    await begun.promise
    await client.reset()
    expect(await failed.promise).toMatchObject({ code: 'CLIENT_CLOSED' })
  })

  test.for<[string, string, number, string]>([
    ['a chunk size that is none', '0x2\r\nhe\r\n', 400, 'BAD_FRAMING'],
    ['a space in a chunk size', '2 \r\nhe\r\n', 400, 'BAD_FRAMING'],
    ['a chunk that is longer than its size', '2\r\nhello\r\n', 400, 'BAD_FRAMING'],
    ['a line feed alone behind a chunk size', '2\nhe\r\n', 400, 'BAD_FRAMING'],
    ['a chunk extension of 20 kB', `2;${'x'.repeat(20_000)}\r\nhe\r\n0\r\n\r\n`, 413, 'BODY_TOO_LARGE'],
  ])('because its framing is broken is refused at once: %s', async ([, chunks, status, code]) => {
    const aborted = deferred<unknown>()
    await using server = await serving((ctx) => {
      sourceOf(ctx.request.body).pipeTo(new Collector())
      ctx.signal.addEventListener('abort', () => aborted.resolve(ctx.signal.reason))
      return deferred<Reply>().promise
    })
    const { responses, closed } = await rawRequest(server.port, `${chunked()}${chunks}${head('GET /second')}`)
    expect(responses.map((response) => [response.status, JSON.parse(response.text).code])).toEqual([[status, code]])
    expect(closed).not.toBe('open')
    expect(await aborted.promise).toMatchObject({ code })
    expect(await server.ended(1)).toEqual([`finished ${status}`])
  })

  test('after the head of the reply went out breaks the reply off', async () => {
    const body = new PushSource({ pause() {}, resume() {}, cancel() {}, start: () => body.push(Buffer.from('begun')) })
    await using server = await serving((ctx) => {
      sourceOf(ctx.request.body).pipeTo(new Collector())
      return { status: 200, headers: new HeaderList(), body }
    })
    await using client = await rawClient(server.port)
    client.write(chunked())
    await client.read('begun')
    client.write('zz\r\n')
    await client.left()
    expect(client.received.toString().endsWith('5\r\nbegun\r\n')).toBe(true)
    expect(await server.ended(1)).toEqual(['failed 200'])
  })
})

describe('a body that nobody reads', () => {
  test('is thrown away when it is small, and the connection goes on', async () => {
    await using server = await serving((ctx) => text(ctx.request.target))
    await using client = await rawClient(server.port)
    client.write(`${upload(5)}hello${head('GET /next')}`)
    expect((await client.response()).text).toBe('/up')
    expect((await client.response()).text).toBe('/next')
  })

  test('is thrown away when it comes after the reply', async () => {
    await using server = await serving((ctx) => text(ctx.request.target))
    await using client = await rawClient(server.port)
    client.write(upload(5))
    expect((await client.response()).headers.get('connection')).toBe('keep-alive')
    client.write(`hello${head('GET /next')}`)
    expect((await client.response()).text).toBe('/next')
  })

  test('is thrown away when reading it was given up', async () => {
    await using server = await serving((ctx) => {
      const { body } = ctx.request
      if (body) {
        sourceOf(body).pipeTo(new Collector())
        sourceOf(body).cancel()
      }
      return text(ctx.request.target)
    })
    await using client = await rawClient(server.port)
    client.write(upload(5))
    await client.response()
    client.write(`hello${head('GET /next')}`)
    expect((await client.response()).text).toBe('/next')
  })

  test('is thrown away when reading was given up in the middle', async () => {
    await using server = await serving(async (ctx) => {
      const { body } = ctx.request
      if (body) {
        const source = sourceOf(body)
        await new Promise<void>((resolve) => {
          source.pipeTo({
            write() {
              source.cancel()
              resolve()
              return true
            },
            end() {},
            fail() {},
          })
        })
      }
      return text(ctx.request.target)
    })
    const accepted = deferred<Socket>()
    server.server.once('connection', accepted.resolve)
    await using client = await rawClient(server.port)
    const socket = await accepted.promise
    client.write(`${upload(65_536)}begun`)
    expect((await client.response()).headers.get('connection')).toBe('keep-alive')
    // In pieces, each of them read before the next: one alone fills the buffer of a request that nobody reads.
    for (const size of [20_000, 20_000, 25_531]) {
      const { bytesRead } = socket
      client.write(Buffer.alloc(size))
      await until(() => socket.bytesRead === bytesRead + size)
    }
    client.write(head('GET /next'))
    expect((await client.response()).text).toBe('/next')
  })

  test.for<[string, string]>([
    ['a long one', upload(100_000_000)],
    ['one of unknown length', chunked()],
  ])('%s ends the connection, after the reply and without a reset', async ([, request]) => {
    await using server = await serving(() => text('too much', 413))
    await using client = await rawClient(server.port)
    client.write(request)
    client.write(request.includes('chunked') ? `100000\r\n${'x'.repeat(0x100000)}\r\n` : Buffer.alloc(0x100000))
    const response = await client.response()
    expect([response.status, response.headers.get('connection')]).toEqual([413, 'close'])
    // The client is still sending when it reads the reply, and is told by a FIN that nobody listens.
    client.write(Buffer.alloc(0x100000))
    expect(await client.left()).toBe('end')
    expect(await server.ended(1)).toEqual(['finished 413'])
    client.end()
    await until(() => server.connections === 0)
  })

  test('is taken for a second at most', async () => {
    const clock = virtualClock()
    await using server = await serving(() => text('no', 413), { clock })
    await using client = await rawClient(server.port)
    client.write(upload(100_000_000))
    expect((await client.response()).status).toBe(413)
    await server.ended(1)
    await client.left()
    client.write(Buffer.alloc(100_000))
    expect(server.connections).toBe(1)
    await clock.advance(1_000)
    await until(() => server.connections === 0)
  })

  test('fails its reader when the reply is out', async () => {
    const into = new Collector()
    await using server = await serving((ctx) => {
      if (ctx.request.body) sourceOf(ctx.request.body).pipeTo(into)
      return text(ctx.request.target)
    })
    await using client = await rawClient(server.port)
    client.write(upload(5))
    await client.response()
    expect(await into.done.promise).toBeInstanceOf(GatewayError)
    client.write(`hello${head('GET /next')}`)
    expect((await client.response()).text).toBe('/next')
  })
})

test('the upload goes on while the reply to it is streamed', async () => {
  await using server = await serving((ctx) => ({ status: 200, headers: new HeaderList(), body: ctx.request.body }))
  await using client = await rawClient(server.port)
  client.write(chunked())
  for (const word of ['one', 'two', 'three']) {
    client.write(`${word.length.toString(16)}\r\n${word}\r\n`)
    await client.read(`${word}\r\n`)
  }
  client.write('0\r\n\r\n')
  await client.read('0\r\n\r\n')
  expect(await server.ended(1)).toEqual(['finished 200'])
})
