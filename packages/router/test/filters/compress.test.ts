import { syncBuiltinESMExports } from 'node:module'
import { PassThrough, Readable } from 'node:stream'
import zlib from 'node:zlib'
import {
  amended,
  type Context,
  chain,
  empty,
  GatewayError,
  type Handler,
  HeaderList,
  json,
  type Middleware,
  type Reply,
  readableOf,
  type Source,
  text,
} from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { type CompressOptions, compress } from '@gatelet/router'
import { type Answer, baseline, call, describeMiddleware, exchange, origins, rawClient, seededRandom } from '@gatelet/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

const long = 'All that is said twice can be said once. '.repeat(100)
const handler: Handler = () => text(long)
// Too long to be packed at once.
const large: Handler = () => text(long.repeat(10))
const front = (options: CompressOptions = {}, to: Handler = handler) => chain().use(compress(options)).to(to)
const taking = (accept: string, headers: Record<string, string> = {}) => ({ headers: { 'accept-encoding': accept, ...headers } })
const made = (headers: Record<string, string>, more: Partial<Reply> = {}): Handler => {
  return () => ({ status: 200, headers: new HeaderList({ 'content-type': 'text/plain', ...headers }), body: long, ...more })
}
const coding = ({ headers }: Answer) => headers.get('content-encoding')

const unpack: Record<string, (bytes: Uint8Array) => Buffer> = {
  gzip: zlib.gunzipSync,
  deflate: zlib.inflateSync,
  br: zlib.brotliDecompressSync,
  ...('zstdDecompressSync' in zlib ? { zstd: zlib.zstdDecompressSync as typeof zlib.gunzipSync } : {}),
}

const typed: Middleware = (ctx, next) => amended(ctx, next, ({ headers }) => void headers.set('content-type', 'text/plain'))

describeMiddleware(
  'compress',
  () =>
    chain()
      .use(compress({ minBytes: 0 }))
      .use(typed)
      .layer(),
  {
    describe,
    test,
    passes: taking('gzip'),
    changesBody: true,
  },
)

describe('content', () => {
  test.each(Object.keys(unpack))('is packed as %s', async (name) => {
    const reply = await call(front(), taking(name))
    const bytes = await reply.bytes()
    expect(coding(reply)).toBe(name)
    expect(unpack[name]?.(bytes).toString()).toBe(long)
    expect(bytes.byteLength).toBeLessThan(long.length / 10)
    expect(reply.headers.get('vary')).toBe('Accept-Encoding')
  })

  test('is packed in the coding that comes first in the offer, unless the client likes another better', async () => {
    expect(coding(await call(front({ codings: ['gzip', 'br'] }), taking('br, gzip, deflate')))).toBe('gzip')
    expect(coding(await call(front({ codings: ['gzip', 'br'] }), taking('br, gzip;q=0.5')))).toBe('br')
    expect(coding(await call(front({ codings: ['gzip'] }), taking('br')))).toBe(undefined)
  })

  test('is smaller at a higher level', async () => {
    const numbers: Handler = () => json(Array.from({ length: 5_000 }, (_, i) => i * 7))
    for (const name of ['gzip', 'deflate', 'br'] as const) {
      const [quick, best] = [
        await call(front({ level: { [name]: 1 } }, numbers), taking(name)),
        await call(front({ level: { [name]: 9 } }, numbers), taking(name)),
      ]
      expect((await best.bytes()).byteLength).toBeLessThan((await quick.bytes()).byteLength)
    }
  })

  test('goes as it is to who takes none, and varies all the same', async () => {
    for (const request of ['/', taking(''), taking('identity'), taking('compress')]) {
      const reply = await call(front(), request)
      expect([coding(reply), await reply.text()]).toEqual([undefined, long])
      expect(reply.headers.get('vary')).toBe('Accept-Encoding')
    }
  })
})

describe('the head of a packed reply', () => {
  test('says nothing that was of the content as it was', async () => {
    const reply = await call(
      front(
        {},
        made({
          'content-length': String(long.length),
          'accept-ranges': 'bytes',
          'content-digest': 'sha-256=:AAAA:',
          'repr-digest': 'sha-256=:AAAA:',
          digest: 'sha-256=AAAA',
          'content-md5': 'AAAA',
          etag: '"a"',
          vary: 'Origin',
          'cache-control': 'max-age=60',
        }),
      ),
      taking('gzip'),
    )
    expect(Object.fromEntries(reply.headers)).toEqual({
      'content-type': 'text/plain',
      etag: 'W/"a"',
      vary: 'Origin, Accept-Encoding',
      'cache-control': 'max-age=60',
      'content-encoding': 'gzip',
    })
  })

  test.each([
    ['W/"a"', 'W/"a"'],
    ['nonsense', 'nonsense'],
  ])('keeps the ETag %s', async (etag, expected) => {
    expect((await call(front({}, made({ etag })), taking('gzip'))).headers.get('etag')).toBe(expected)
  })

  test('is the same for HEAD, where the upstream has told the length and where it has not', async () => {
    const request = { method: 'HEAD', ...taking('gzip') }
    for (const headers of [{}, { 'content-length': '5000' }]) {
      const reply = await call(front({}, made({ ...headers, etag: '"a"' }, { body: null })), request)
      expect(Object.fromEntries(reply.headers)).toEqual({
        'content-type': 'text/plain',
        etag: 'W/"a"',
        vary: 'Accept-Encoding',
        'content-encoding': 'gzip',
      })
    }
    expect(coding(await call(front({}, made({ 'content-length': '50' }, { body: null })), request))).toBe(undefined)
  })
})

describe('a reply is left alone that', () => {
  test.each<[string, Handler]>([
    ['is packed already', made({ 'content-encoding': 'br' })],
    ['must not be changed', made({ 'cache-control': 'public, No-Transform' })],
    ['is a part', made({ 'content-range': 'bytes 0-9/100' }, { status: 206 })],
    ['is a part by mistake', made({ 'content-range': 'bytes 0-9/100' })],
    ['is signed', made({ 'signature-input': 'sig=("content-digest")' })],
    ['has its digest behind it', made({ trailer: 'Content-Digest' })],
    ['is of another type', made({ 'content-type': 'image/png' })],
    ['says no type', () => ({ status: 200, headers: new HeaderList(), body: long })],
    ['is short', () => text('short')],
    ['is short by what it says', () => made({ 'content-length': '10' }, { body: readableOf('0123456789') })({} as Context)],
    ['has no content', () => empty({ status: 200, headers: { 'content-type': 'text/plain' } })],
    ['never has any', () => empty({ headers: { 'content-type': 'text/plain' } })],
  ])('%s', async (_, to) => {
    const plain = await call(to, taking('gzip'))
    const reply = await call(front({}, to), taking('gzip'))
    expect([...reply.headers]).toEqual([...plain.headers])
    expect(await reply.bytes()).toEqual(await plain.bytes())
  })

  test('answers a request that forbids changes', async () => {
    expect(coding(await call(front(), taking('gzip', { 'cache-control': 'no-transform' })))).toBe(undefined)
  })

  test('takes over a socket', async () => {
    const upgraded = { status: 101, headers: new HeaderList({ 'content-type': 'text/plain' }), body: null, upgrade: () => {} }
    const reply = await call(
      front({}, () => upgraded),
      { kind: 'upgrade', ...taking('gzip') },
    )
    expect([...reply.headers]).toEqual([['content-type', 'text/plain']])
  })

  test('carries credentials, or answers who does, by option', async () => {
    const options: CompressOptions = { leaveOut: 'credentials' }
    expect(coding(await call(front(options, made({ 'set-cookie': 'a=b' })), taking('gzip')))).toBe(undefined)
    expect(coding(await call(front(options), taking('gzip', { cookie: 'a=b' })))).toBe(undefined)
    expect(coding(await call(front(options), taking('gzip', { authorization: 'Basic x' })))).toBe(undefined)
    expect(coding(await call(front(options), taking('gzip')))).toBe('gzip')
    expect(coding(await call(front(), taking('gzip', { cookie: 'a=b' })))).toBe('gzip')
  })

  test('a function leaves out', async () => {
    const leaveOut: CompressOptions['leaveOut'] = ({ request }, { headers }) =>
      request.url.path === '/secret' && headers.has('content-type')
    expect(coding(await call(front({ leaveOut }), { url: '/secret', ...taking('gzip') }))).toBe(undefined)
    expect(coding(await call(front({ leaveOut }), { url: '/open', ...taking('gzip') }))).toBe('gzip')
  })

  test('a function fails on is dropped, and what makes it is freed', async () => {
    const body = new PassThrough()
    const leaveOut = () => {
      throw new Error('no')
    }
    expect((await call(front({ leaveOut }, made({}, { body })), taking('gzip'))).status).toBe(500)
    expect(body.destroyed).toBe(true)
  })

  test.each([(type: string) => type === 'image/png', /^image\/png$/g])('a type of one’s own: %s', async (types) => {
    const to = made({ 'content-type': 'Image/PNG; x=y' })
    for (const _ of [1, 2]) expect(coding(await call(front({ types }, to), taking('gzip')))).toBe('gzip')
    expect(coding(await call(front({ types }), taking('gzip')))).toBe(undefined)
  })
})

test.each([
  ['text/html', true],
  ['application/json', true],
  ['application/problem+json', true],
  ['application/vnd.api+json', true],
  ['image/svg+xml', true],
  ['application/wasm', true],
  ['text/event-stream', true],
  ['image/jpeg', false],
  ['application/zip', false],
  ['application/octet-stream', false],
  ['application/grpc', false],
  ['application/grpc-web+proto', false],
  ['font/woff2', false],
  ['video/mp4', false],
])('%s is worth it: %s', async (type, expected) => {
  expect(coding(await call(front({}, made({ 'content-type': type })), taking('gzip')))).toBe(expected ? 'gzip' : undefined)
})

describe('who does not take the content as it is', () => {
  test('gets it packed though it is short', async () => {
    const reply = await call(
      front({}, () => text('short')),
      taking('gzip, identity;q=0'),
    )
    expect(zlib.gunzipSync(await reply.bytes()).toString()).toBe('short')
  })

  test.each(['identity;q=0', '*;q=0', 'compress, *;q=0'])(
    'gets it as it is for %s, or 406 by option, before anything is asked',
    async (accept) => {
      expect(await (await call(front(), taking(accept))).text()).toBe(long)
      const to = vi.fn(handler)
      const refused = await call(front({ refuseUnacceptable: true }, to), taking(accept))
      expect([refused.status, refused.headers.get('vary')]).toEqual([406, 'Accept-Encoding'])
      expect(to).not.toHaveBeenCalled()
      expect((await call(front({ refuseUnacceptable: true }), taking('gzip, *;q=0'))).status).toBe(200)
    },
  )
})

test('a 304 names the validator that we gave, and no other', async () => {
  const to: Handler = () => empty({ status: 304, headers: { etag: '"a"' } })
  const asked = async (tag: string) => {
    const { headers } = await call(front({}, to), taking('gzip', { 'if-none-match': tag }))
    return [headers.get('etag'), headers.get('vary')]
  }
  expect(await asked('"b", W/"a"')).toEqual(['W/"a"', 'Accept-Encoding'])
  expect(await asked('"a"')).toEqual(['"a"', undefined])
})

test('an error is thrown on, and nonsense is told of by the edge', async () => {
  expect(
    (
      await call(
        front({}, () => Promise.reject(new GatewayError('NO_ENDPOINT'))),
        taking('gzip'),
      )
    ).status,
  ).toBe(503)
  expect(await (await call(front({}, (() => undefined) as never), taking('gzip'))).json()).toMatchObject({ code: 'BAD_REPLY' })
})

test('an answer that is there at once stays so', () => {
  const asked = exchange(taking('gzip'))
  expect(front()(asked.ctx)).not.toBeInstanceOf(Promise)
})

describe('streams', () => {
  const stream = (type: string) => {
    const body = new PassThrough()
    return { body, to: (() => ({ status: 200, headers: new HeaderList({ 'content-type': type }), body })) as Handler }
  }

  test.each([
    ['gzip', 'text/event-stream', { flushStreams: false }],
    ['br', 'text/event-stream', { flushStreams: false }],
    ['deflate', 'text/plain', {}],
  ] as const)('arrive over the wire as they are written: %s, %s', async (name, type, options) => {
    const { body, to } = stream(type)
    await using server = await serve(front(options, to), { port: 0 })
    await using client = await rawClient(server.port)
    client.write(`GET / HTTP/1.1\r\nhost: a.test\r\naccept-encoding: ${name}\r\n\r\n`)
    const inflate = { gzip: zlib.createGunzip, br: zlib.createBrotliDecompress, deflate: zlib.createInflate }[name]()
    let unpacked = ''
    inflate.on('data', (chunk) => {
      unpacked += chunk
    })
    let fed = 0
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      body.write(event)
      await vi.waitFor(() => {
        const chunks = chunksIn(client.received)
        inflate.write(chunks.subarray(fed))
        fed = chunks.byteLength
        expect(unpacked.endsWith(event)).toBe(true)
      })
    }
    expect(body.writableEnded).toBe(false)
    body.end()
  })

  test('are not started before somebody reads, and end with their client', async () => {
    const { body, to } = stream('text/plain')
    const streams = watchedStreams()
    const asked = exchange(taking('gzip'))
    const reply = await asked.ask(front({ maxInflight: 1 }, to))
    expect(streams).toHaveLength(0)
    body.write('hello')
    const reading = reply.bytes()
    await vi.waitFor(() => expect(streams).toHaveLength(1))
    asked.abort()
    await expect(reading).rejects.toThrow()
    await vi.waitFor(() => expect(body.destroyed).toBe(true))
    expect(streams[0]?.destroyed).toBe(true)
    expect((streams[0] as unknown as { _handle: unknown })._handle).toBe(null)
  })

  test('end with a client that leaves in the middle, over the wire', async () => {
    const streams = watchedStreams()
    const before = baseline()
    const noise = noiseOf(16_384)
    const body = new Readable({
      read() {
        this.push(noise)
      },
    })
    const to: Handler = () => ({ status: 200, headers: new HeaderList({ 'content-type': 'text/plain' }), body })
    await using server = await serve(front({}, to), { port: 0 })
    const client = await rawClient(server.port)
    client.write('GET / HTTP/1.1\r\nhost: a.test\r\naccept-encoding: gzip\r\n\r\n')
    await client.read(100_000)
    await client[Symbol.asyncDispose]()
    await vi.waitFor(() => expect(body.destroyed).toBe(true))
    expect(streams.map(({ destroyed }) => destroyed)).toEqual([true])
    await server.close()
    await before.settled()
  })

  test('free what they hold when they end, break off, or are not read', async () => {
    const streams = watchedStreams()
    const layer = front({ maxInflight: 1 }, large)
    for (const _ of [1, 2]) expect(coding(await finished(call(layer, taking('gzip'))))).toBe('gzip')
    const { body, to } = stream('text/plain')
    const one = compress({ maxInflight: 1 })
    const broken = await call(chain().use(one).to(to), taking('gzip'))
    body.destroy(new Error('broken'))
    await expect(broken.bytes()).rejects.toThrow('broken')
    const unread = exchange(taking('gzip'))
    expect(coding(await unread.ask(chain().use(one).to(stream('text/plain').to)))).toBe('gzip')
    unread.abort()
    expect(coding(await finished(call(chain().use(one).to(large), taking('gzip'))))).toBe('gzip')
    expect(streams.length).toBeGreaterThan(2)
    await vi.waitFor(() => expect(streams.every(({ destroyed }) => destroyed)).toBe(true))
  })

  test('go as they are while too many are packed already', async () => {
    const { to } = stream('text/plain')
    const one = compress({ maxInflight: 1 })
    const first = exchange(taking('gzip'))
    expect(coding(await first.ask(chain().use(one).to(to)))).toBe('gzip')
    const second = await call(chain().use(one).to(large), taking('gzip'))
    expect([coding(second), second.headers.get('vary'), await second.text()]).toEqual([
      undefined,
      'Accept-Encoding',
      long.repeat(10),
    ])
    expect(coding(await call(chain().use(one).to(handler), taking('gzip')))).toBe('gzip')
    first.abort()
    expect(coding(await call(chain().use(one).to(large), taking('gzip')))).toBe('gzip')
  })

  test('are not read faster than the client reads', async () => {
    let read = 0
    const noise = noiseOf(65_536)
    const body = new Readable({
      read() {
        read += noise.byteLength
        this.push(read > 200_000_000 ? null : noise)
      },
    })
    const to: Handler = () => ({ status: 200, headers: new HeaderList({ 'content-type': 'text/plain' }), body })
    const reply = await call(front({ level: { gzip: 1 } }, to), taking('gzip'))
    const source = reply.body as Source
    let held = 0
    let hasRoom = false
    const flow = source.pipeTo({
      write(chunk) {
        held += chunk.byteLength
        return hasRoom
      },
      end() {},
      fail() {},
    })
    await vi.waitFor(() => expect(held).toBeGreaterThan(0))
    let before = -1
    await vi.waitFor(() => {
      const now = read
      const isStill = now === before
      before = now
      expect(isStill).toBe(true)
    })
    expect(read).toBeLessThan(2_000_000)
    hasRoom = true
    flow.resume()
    await vi.waitFor(() => expect(read).toBeGreaterThan(before))
    source.cancel()
  })
})

test('what is here and small goes out in one piece, and as it is where it would not grow smaller', async () => {
  const noise = noiseOf(2_000)
  for (const name of Object.keys(unpack)) {
    const reply = await call(front(), taking(name))
    expect(reply.body).toBeInstanceOf(Uint8Array)
    expect(unpack[name]?.(await reply.bytes()).toString()).toBe(long)
  }
  const to = () => made({}, { body: noise })({} as Context)
  const asItIs = await call(front({}, to), taking('gzip'))
  expect([coding(asItIs), asItIs.headers.get('vary'), await asItIs.bytes()]).toEqual([undefined, 'Accept-Encoding', noise])
  const packed = await call(front({}, to), taking('gzip, identity;q=0'))
  expect(zlib.gunzipSync(await packed.bytes())).toEqual(noise)
})

test.each([
  ['small', 1],
  ['large', 50],
])('what a server sends is packed on the way, whole and with its length gone: %s', async (_, times) => {
  const sent = long.repeat(times)
  await using farm = await origins(1, {
    handler: (_, res) => void res.writeHead(200, { 'content-type': 'text/plain', 'content-length': sent.length }).end(sent),
  })
  await using server = await serve(front({}, proxy(farm.urls[0] as string)), { port: 0 })
  const at = `http://127.0.0.1:${server.port}/`
  const reply = await fetch(at, { headers: { 'accept-encoding': 'br' } })
  expect(reply.headers.get('content-encoding')).toBe('br')
  expect(reply.headers.get('content-length')).not.toBe(String(sent.length))
  expect(await reply.text()).toBe(sent)
  const head = await fetch(at, { method: 'HEAD', headers: { 'accept-encoding': 'br' } })
  expect([head.headers.get('content-encoding'), head.headers.get('content-length')]).toEqual(['br', null])
})

function noiseOf(length: number): Buffer {
  const random = seededRandom(7)
  return Buffer.from(Array.from({ length }, () => random() * 256))
}

async function finished(asking: Promise<Answer>): Promise<Answer> {
  const answer = await asking
  await answer.bytes()
  return answer
}

/** Every stream that packs gzip from now on. */
function watchedStreams(): zlib.Gzip[] {
  const streams: zlib.Gzip[] = []
  const { createGzip } = zlib
  vi.spyOn(zlib, 'createGzip').mockImplementation((options) => {
    const stream = createGzip(options)
    streams.push(stream)
    return stream
  })
  syncBuiltinESMExports()
  onTestFinished(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })
  return streams
}

/** The content of a chunked response, as far as it has come. */
function chunksIn(received: Buffer): Buffer {
  const chunks: Buffer[] = []
  let at = received.indexOf('\r\n\r\n') + 4
  if (at < 4) return Buffer.alloc(0)
  for (;;) {
    const end = received.indexOf('\r\n', at)
    if (end < 0) break
    const size = Number.parseInt(received.toString('latin1', at, end), 16)
    if (!(size > 0) || end + 2 + size > received.byteLength) break
    chunks.push(received.subarray(end + 2, end + 2 + size))
    at = end + 4 + size
  }
  return Buffer.concat(chunks)
}
