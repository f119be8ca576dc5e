import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { Readable } from 'node:stream'
import { create, createFileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf'
import { AnySchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { createBalancer } from '@gatelet/balancer'
import { chain, GatewayError, type Handler, HeaderList, PushSource } from '@gatelet/core'
import { type GrpcJsonOptions, grpc, grpcJson } from '@gatelet/grpc'
import { proxy } from '@gatelet/proxy'
import { describe, expect, test } from 'vitest'
import { frame } from '../../src/wire/frames.ts'
import { answering, type Front, gateway } from '../support/gateway.ts'
import { descriptors, type Shop, startShop } from '../support/shop.ts'

type Ask = (path: string, init?: RequestInit & { duplex?: 'half' }) => Promise<Response>

/** Asks a shop by HTTP and JSON. */
async function asked(
  work: (ask: Ask, shop: Shop, front: Front) => Promise<void>,
  options: Partial<GrpcJsonOptions> = {},
  own = {},
) {
  await using shop = await startShop(own)
  await using front = await gateway([shop.url], {}, grpcJson({ descriptors, ...options }))
  await work((path, init) => fetch(`${front.url}${path}`, init), shop, front)
}

const json = (method: string, value: unknown): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: typeof value === 'string' ? value : JSON.stringify(value),
})

describe('a request becomes a call', () => {
  test('by the segments of its path, with metadata both ways', () =>
    asked(async (ask, shop) => {
      const answer = await ask('/v1/shelves/1/items/a%20b', { headers: { 'x-trace': 'abc', accept: 'application/json' } })
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
      expect(await answer.json()).toEqual({ name: 'shelves/1/items/a b', title: 'A lamp', priceCents: '9007199254740993' })
      expect([answer.headers.get('x-trace'), answer.headers.get('x-cost')]).toEqual(['abc', '12'])
      expect(shop.calls[0]?.metadata.get('accept')).toEqual([])
    }))

  test('by an additional binding, with the rest in the query', () =>
    asked(async (ask, shop) => {
      expect((await ask('/v1/items/9007199254740993?view=FULL')).status).toBe(200)
      expect(shop.calls[0]?.message).toMatchObject({ id: '9007199254740993', view: 'FULL' })
    }))

  test('with lists, and fields of fields, by both their names, in the query; the answer is one field', () =>
    asked(async (ask, shop) => {
      const query = 'pageSize=10&tag=a&tag=b%26c&filter.max_price=3&filter.since=2026-01-01T00:00:00Z'
      const answer = await ask(`/v1/shelves/9/items?${query}`)
      expect(await answer.json()).toEqual([{ name: 'a' }, { name: 'b' }])
      expect(shop.calls[0]?.message).toMatchObject({ parent: 'shelves/9', page_size: 10, tag: ['a', 'b&c'] })
      expect(shop.calls[0]?.message['filter']).toMatchObject({ max_price: 3, since: { seconds: '1767225600' } })
    }))

  test('with a field as its body, the path over it, and the query beside it', () =>
    asked(async (ask, shop) => {
      const answer = await ask('/v1/shelves/9/items?requestId=r1', json('POST', { title: 'Chair', price_cents: 5 }))
      expect(await answer.json()).toEqual({ title: 'Chair', priceCents: '5' })
      expect(shop.calls[0]?.message).toMatchObject({
        parent: 'shelves/9',
        request_id: 'r1',
        item: { title: 'Chair', price_cents: '5' },
      })
    }))

  test('with all but the path as its body, and a verb', () =>
    asked(async (ask, shop) => {
      const answer = await ask('/v1/shelves/1/items/2:move', json('POST', { toShelf: 'shelves/7', name: 'not this one' }))
      expect(await answer.json()).toEqual({ name: 'shelves/7/moved' })
      expect(shop.calls[0]?.message).toMatchObject({ name: 'shelves/1/items/2' })
    }))

  test('by PATCH, with a mask of what the body says, where the client gives none', () =>
    asked(async (ask, shop) => {
      const body = { title: 'Table', size: { width: 3 }, tags: [] }
      await ask('/v1/shelves/1/items/2', json('PATCH', body))
      await ask('/v1/shelves/1/items/2?updateMask=title,priceCents', json('PATCH', body))
      expect(shop.calls[0]?.message).toMatchObject({
        item: { name: 'shelves/1/items/2', title: 'Table' },
        update_mask: { paths: ['title', 'size.width', 'tags'] },
      })
      expect(shop.calls[1]?.message).toMatchObject({ update_mask: { paths: ['title', 'price_cents'] } })
    }))

  test('by DELETE, HEAD of its own, and HEAD for what has GET', () =>
    asked(async (ask, shop) => {
      const deleted = await ask('/v1/shelves/1/items/2', { method: 'DELETE' })
      expect([deleted.status, await deleted.text()]).toEqual([200, '{}'])
      expect((await ask('/v1/shelves/1/items/2', { method: 'HEAD' })).status).toBe(200)
      expect((await ask('/v1/shelves/1/items', { method: 'HEAD' })).status).toBe(200)
      expect(shop.calls.map(({ method }) => method)).toEqual(['DeleteItem', 'HeadItem', 'ListItems'])
    }))

  test('with every kind of field', () =>
    asked(async (ask) => {
      const everything = {
        text: 'ü',
        whole: -3,
        whole64: '-9223372036854775808',
        natural64: '18446744073709551615',
        real: 1.5,
        flag: true,
        raw: 'AP8=',
        colour: 'RED',
        colours: ['RED', 'BLUE'],
        counts: { a: 1, b: 2 },
        right: 4,
        at: '2026-01-01T00:00:00Z',
        lasts: '3.500s',
        mask: 'title,size.width',
        maybe: '',
        loose: { deep: [1, null, { x: 'y' }] },
        any: { '@type': 'type.googleapis.com/shop.v1.Size', width: 2 },
        inner: { text: 'in' },
        perhaps: 0,
      }
      expect(await (await ask('/v1/echo', json('POST', everything))).json()).toEqual(everything)
    }))

  test('with texts of a path and a query for each kind of field', () =>
    asked(async (ask) => {
      expect(await (await ask('/v1/echo/a%2Bb/12/true/BLUE')).json()).toEqual({
        text: 'a+b',
        whole64: '12',
        flag: true,
        colour: 'BLUE',
      })
      const query = 'real=-1.5e3&raw=AP8%3D&colours=1&colours=BLUE&at=2026-01-01T00:00:00Z&maybe=x&inner.flag=true&left='
      expect(await (await ask(`/v1/echo?${query}`)).json()).toEqual({
        real: -1500,
        raw: 'AP8=',
        colours: ['RED', 'BLUE'],
        at: '2026-01-01T00:00:00Z',
        maybe: 'x',
        inner: { flag: true },
        left: '',
      })
    }))

  test('of proto2, with its defaults and what it requires', async () => {
    const seen = (asking: Handler) => chain().use(grpcJson({ descriptors })).to(asking)
    const echo: Handler = ({ request }) => {
      const headers = new HeaderList({ 'content-type': 'application/grpc' })
      const body = new PushSource({ pause() {}, resume() {}, cancel() {} })
      body.push(request.body as Uint8Array)
      body.end(new HeaderList([['grpc-status', '0']]))
      return { status: 200, headers, body }
    }
    await using front = await answering(seen(echo))
    const answer = await fetch(`${front.url}/legacy/orders/7`, json('POST', { state: 'SHIPPED' }))
    expect(await answer.json()).toEqual({ id: '7', state: 'SHIPPED' })
  })

  test('with bytes of any type, both ways', () =>
    asked(async (ask, shop) => {
      const put = { method: 'PUT', headers: { 'content-type': 'image/png' }, body: 'not { JSON' }
      expect(await (await ask('/v1/files/a/b.png', put)).json()).toEqual({
        path: 'a/b.png',
        contentType: 'image/png',
        size: '10',
      })
      expect(shop.calls[0]?.message['file']).toMatchObject({ data: Buffer.from('not { JSON') })
      const got = await ask('/v1/files/a/b%20c.png')
      expect([got.headers.get('content-type'), await got.text()]).toEqual(['image/png', 'file a/b c.png'])
    }))

  test('with a number of 64 bits that JavaScript would round', () =>
    asked(async (ask) => {
      const answer = await ask(
        '/v1/shelves/1/items',
        json('POST', '{"priceCents": 9007199254740993, "title": "1234567890123456789"}'),
      )
      expect(await answer.json()).toEqual({ priceCents: '9007199254740993', title: '1234567890123456789' })
    }))

  test('with the deadline of the client, or the gateway', async () => {
    const timeouts: unknown[] = []
    const seen: Handler = ({ request }) => {
      timeouts.push(request.headers.get('grpc-timeout'))
      throw new GatewayError('NO_ENDPOINT')
    }
    const layer = grpcJson({ descriptors })
    await using front = await answering(
      chain()
        .use((ctx, next) => next(ctx.withDeadline(performance.now() + 60_000)))
        .use(layer)
        .to(seen),
    )
    await fetch(`${front.url}/v1/items/1`, { headers: { 'grpc-timeout': '5S' } })
    await fetch(`${front.url}/v1/items/1`)
    expect(timeouts[0]).toMatch(/^(?:4\d\d\d|5000)m$/)
    expect(timeouts[1]).toMatch(/^(?:5\d\d\d\d|60000)m$/)
  })
})

describe('written as it is wished', () => {
  test('with defaults, original names and enums as numbers', () =>
    asked(
      async (ask) => {
        const answer = await ask('/v1/shelves/1/items', json('POST', { priceCents: '1' }))
        expect(await answer.json()).toMatchObject({ price_cents: '1', title: '', tags: [] })
        expect(await (await ask('/v1/echo?colour=RED')).json()).toMatchObject({ colour: 1, flag: false })
        expect(await (await ask('/v1/shelves/1/items')).json()).toMatchObject([{ name: 'a', price_cents: '0' }, { name: 'b' }])
      },
      { format: { defaults: true, originalNames: true, enumNumbers: true } },
    ))

  test('with unknown names passed over', () =>
    asked(
      async (ask) => {
        expect((await ask('/v1/items/1?nope=1')).status).toBe(200)
        expect((await ask('/v1/echo', json('POST', { nope: 1 }))).status).toBe(200)
      },
      { unknownFields: 'ignore' },
    ))

  test('with names in the query that are for others', () =>
    asked(async (ask) => expect((await ask('/v1/items/1?api_key=k')).status).toBe(200), { ignoredQuery: ['api_key'] }))
})

describe('what is not right is refused with a status that says so', () => {
  test.each([
    ['an unknown name in the query', '/v1/items/1?nope=1', {}, /no field nope/],
    ['a name in the query that is in the path', '/v1/items/1?id=2', {}, /id is in the path/],
    [
      'a name in the query that is in the body',
      '/v1/shelves/1/items?item.title=x',
      json('POST', {}),
      /item.title is in the body/,
    ],
    ['a query beside a body that is all', '/v1/echo?text=x', json('POST', {}), /the body is the whole message/],
    ['a message in the query', '/v1/shelves/1/items?filter=x', {}, /filter cannot be in the query/],
    ['a field twice', '/v1/items/1?view=a&view=b', {}, /more than once/],
    ['a map in the query', '/v1/echo?counts=1', {}, /counts cannot be in the query/],
    ['no number', '/v1/items/twelve', {}, /int64/],
    ['no UTF-8 in the path', '/v1/echo/%ff/1/true/RED', {}, /URI/],
    ['no JSON', '/v1/echo', json('POST', '{'), /JSON/],
    ['an unknown member', '/v1/echo', json('POST', { nope: 1 }), /nope/],
    ['a member twice', '/v1/echo', json('POST', '{"text":"a","text":"b"}'), /duplicate/],
    ['another type', '/v1/echo', json('POST', { whole: 'x' }), /int32/],
    ['deep nesting', '/v1/echo', json('POST', `{"loose":{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}}`), /depth/],
  ])('%s', (_, path, init, message) =>
    asked(async (ask, shop) => {
      const answer = await ask(path, init)
      expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'application/json'])
      const body = (await answer.json()) as { message: string }
      expect(body).toMatchObject({ code: 3, details: [] })
      expect(body.message).toMatch(message)
      expect(shop.calls).toEqual([])
    }),
  )

  test.each(['text/plain', 'application/x-www-form-urlencoded', undefined])('a body of type %s is 415', (type) =>
    asked(async (ask) => {
      const body = new Blob(['{}'], type === undefined ? {} : { type })
      expect((await ask('/v1/echo', { method: 'POST', body })).status).toBe(415)
    }),
  )

  test('a path that is nobody’s is 404; with another method 405', () =>
    asked(async (ask) => {
      expect((await ask('/v2/items')).status).toBe(404)
      expect((await ask('/shop.v1.Shop/Internal', json('POST', {}))).status).toBe(404)
      const wrong = await ask('/v1/shelves/1/items/2', { method: 'PUT' })
      expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD, PATCH'])
    }))

  test('a message that is too long is 429, either way', () =>
    asked(
      async (ask) => {
        expect((await ask('/v1/echo', json('POST', { text: 'x'.repeat(1_000) }))).status).toBe(429)
        const long = await ask('/v1/items:watch?count=1&bytesEach=1000')
        expect(await long.json()).toMatchObject({ code: 8 })
      },
      { maxMessageBytes: 500 },
    ))
})

describe('a call that fails', () => {
  test.each([
    [1, 499],
    [2, 500],
    [3, 400],
    [4, 504],
    [5, 404],
    [6, 409],
    [7, 403],
    [8, 429],
    [9, 400],
    [10, 409],
    [11, 400],
    [12, 501],
    [13, 500],
    [14, 503],
    [15, 500],
    [16, 401],
  ])('with code %i is status %i', (code, status) =>
    asked(async (ask) => {
      const answer = await ask(`/v1/items/1?view=fail:${code}:so%20it%20is`)
      expect(answer.status).toBe(status)
      expect(await answer.json()).toEqual({ code, message: 'so it is', details: [] })
      expect(answer.headers.get('x-why')).toBe('test')
    }),
  )

  test('tells its details, of unknown types as bytes', () =>
    asked(async (ask) => {
      const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors))
      const size = registry.getMessage('shop.v1.Size')
      if (!size) throw new Error('no Size')
      const known = toBinary(size, Object.assign(create(size), { width: 7 }))
      const any = (typeUrl: string, value: Uint8Array) => toBinary(AnySchema, create(AnySchema, { typeUrl, value }))
      const parts = [any('type.googleapis.com/shop.v1.Size', known), any('type.googleapis.com/other.Thing', Buffer.from('abc'))]
      // google.rpc.Status: code 1, message 2, details 3.
      const details = Buffer.concat([
        Buffer.from([8, 5]),
        ...parts.map((part) => Buffer.concat([Buffer.from([0x1a, part.length]), part])),
      ])
      const answer = await ask(`/v1/items/1?view=fail-details:5:${encodeURIComponent(details.toString('base64'))}`)
      expect(await answer.json()).toEqual({
        code: 5,
        message: 'with details',
        details: [
          { '@type': 'type.googleapis.com/shop.v1.Size', width: 7 },
          { '@type': 'type.googleapis.com/other.Thing', value: 'YWJj' },
        ],
      })
    }))

  test('at the gateway is a problem, as anywhere', async () => {
    const denied = chain()
      .use(grpc())
      .use(grpcJson({ descriptors }))
      .to(() => {
        throw new GatewayError('FORBIDDEN')
      })
    await using front = await answering(denied)
    const answer = await fetch(`${front.url}/v1/items/1`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([403, 'application/problem+json'])
  })

  test.each([
    ['no message', (): Uint8Array[] => [], /no message/],
    ['two messages', () => [frame(new Uint8Array()), frame(new Uint8Array())], /more than one/],
    ['half a message', () => [frame(Buffer.from('abc')).subarray(0, 6)], /no such message/],
    ['nonsense', () => [frame(Buffer.from([0xff, 0xff]))], /no such message/],
    ['a compressed message', () => [frame(Buffer.from('abc'), 1)], /compressed/],
  ])('since the server sends %s is 500', async (_, frames, message) => {
    const serving: Handler = () => {
      const body = new PushSource({ pause() {}, resume() {}, cancel() {} })
      for (const each of frames()) body.push(each)
      body.end(new HeaderList([['grpc-status', '0']]))
      return { status: 200, headers: new HeaderList({ 'content-type': 'application/grpc' }), body }
    }
    await using front = await answering(chain().use(grpcJson({ descriptors })).to(serving))
    const answer = await fetch(`${front.url}/v1/items/1`)
    expect(answer.status).toBe(500)
    const { code, message: told } = (await answer.json()) as { code: number; message: string }
    expect([code, told]).toEqual([13, expect.stringMatching(message)])
  })
})

describe('a stream of the server', () => {
  test.each([
    ['*/*', 'application/x-ndjson', '{"name":"item 0"}\n{"name":"item 1"}\n'],
    ['application/json', 'application/json', '[{"name":"item 0"},{"name":"item 1"}]\n'],
    ['text/event-stream', 'text/event-stream', 'data: {"name":"item 0"}\n\ndata: {"name":"item 1"}\n\n'],
  ])('for who accepts %s is %s', (accept, type, text) =>
    asked(async (ask) => {
      const answer = await ask('/v1/items:watch?count=2', { headers: { accept } })
      expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([200, type, text])
    }),
  )

  test('without messages is an empty one', () =>
    asked(async (ask) => {
      expect(await (await ask('/v1/items:watch', { headers: { accept: 'application/json' } })).text()).toBe('[]\n')
      expect(await (await ask('/v1/items:watch')).text()).toBe('')
    }))

  test('that fails before its first message has its status in the head', () =>
    asked(async (ask) => {
      const answer = await ask('/v1/items:watch?failWith=5')
      expect([answer.status, await answer.json()]).toEqual([404, { code: 5, message: 'in the middle', details: [] }])
    }))

  test.each([
    ['*/*', '{"name":"item 0"}\n{"error":{"code":10,"message":"in the middle","details":[]}}\n'],
    ['application/json', '[{"name":"item 0"},{"error":{"code":10,"message":"in the middle","details":[]}}'],
    [
      'text/event-stream',
      'data: {"name":"item 0"}\n\nevent: error\ndata: {"error":{"code":10,"message":"in the middle","details":[]}}\n\n',
    ],
  ])('that fails in the middle, for %s, says so last, and is broken off', (accept, text) =>
    asked(async (_, __, front) => {
      const req = request(`${front.url}/v1/items:watch?count=1&failWith=10`, { headers: { accept } }).end()
      const [res] = (await once(req, 'response')) as [IncomingMessage]
      let heard = ''
      res.setEncoding('utf8').on('data', (chunk: string) => {
        heard += chunk
      })
      res.on('error', () => {})
      await new Promise((resolve) => res.on('close', resolve))
      expect([heard, res.complete]).toEqual([text, false])
    }),
  )

  test('of bytes is these bytes', () =>
    asked(async (ask) => {
      const answer = await ask('/v1/downloads/x')
      expect([answer.headers.get('content-type'), await answer.text()]).toEqual(['text/csv', 'one two three'])
    }))

  test('is cancelled when the client leaves', () =>
    asked(async (ask, shop) => {
      const controller = new AbortController()
      const answer = await ask('/v1/items:watch?count=2&pauseAfter=1', { signal: controller.signal })
      await answer.body?.getReader().read()
      controller.abort()
      await expect.poll(() => shop.cancelled).toEqual(['WatchItems'])
    }))

  test('begins after a while, where it has nothing to say yet', () =>
    asked(
      async (ask) => {
        const controller = new AbortController()
        const answer = await ask('/v1/items:watch?count=1', {
          headers: { accept: 'text/event-stream' },
          signal: controller.signal,
        })
        expect(answer.headers.get('content-type')).toBe('text/event-stream')
        controller.abort()
      },
      {},
      { WatchItems: (call: { sendMetadata(empty: unknown): void; metadata: unknown }) => call.sendMetadata(call.metadata) },
    ))
})

describe('a stream of the client', () => {
  test.each([
    ['application/x-ndjson', '{"title":"a"}\n\n{"title":"b"}'],
    ['application/json', ' [ {"title":"a"} , {"title":"b"} ] \n'],
  ])('of type %s becomes messages', (type, body) =>
    asked(async (ask) => {
      const answer = await ask('/v1/items:import', { method: 'POST', headers: { 'content-type': type }, body })
      expect(await answer.json()).toEqual({ count: 2, titles: ['a', 'b'] })
    }),
  )

  test('that is one value is one message, and an empty one is none', () =>
    asked(async (ask) => {
      expect(await (await ask('/v1/items:import', json('POST', { title: 'a' }))).json()).toMatchObject({ count: 1 })
      expect(await (await ask('/v1/items:import', json('POST', []))).json()).toEqual({})
    }))

  test.each(['[{"title":1}]', '[{"title":"a"}', '[{"title":"a"},]', '[{"title":"a"}]x', '[,]', '{'])('%s is refused', (body) =>
    asked(async (ask) => {
      const answer = await ask('/v1/items:import', json('POST', body))
      expect([answer.status, ((await answer.json()) as { code: number }).code]).toEqual([400, 3])
    }),
  )

  test('is answered message by message where both stream', () =>
    asked(async (ask) => {
      const lines = '{"title":"one"}\n{"title":"two"}\n'
      const answer = await ask('/v1/chat', { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: lines })
      expect(await answer.text()).toBe('{"title":"echo one"}\n{"title":"echo two"}\n')
    }))
})

test('gRPC, gRPC-Web and JSON are answered by one handler, each call by another server', async () => {
  await using one = await startShop()
  await using other = await startShop()
  const balancer = createBalancer({ endpoints: [one.url, other.url], strategy: 'round-robin' })
  const handler = chain()
    .use(grpc())
    .use(grpcJson({ descriptors, services: ['shop.v1.Shop'] }))
    .to(proxy(balancer, { http2: true }))
  await using front = await answering(handler)
  for (let at = 0; at < 6; at++) expect((await fetch(`${front.url}/v1/items/${at}`)).status).toBe(200)
  expect([one.calls.length, other.calls.length]).toEqual([3, 3])
  await balancer.close()
})

test('what is not right in the middle of a conversation is told in its own words', () =>
  asked(async (_, __, front) => {
    const req = request(`${front.url}/v1/chat`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } })
    req.write('{"title":"one"}\n')
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    let heard = ''
    res.setEncoding('utf8').on('data', (chunk: string) => {
      heard += chunk
    })
    res.on('error', () => {})
    req.on('error', () => {})
    await expect.poll(() => heard).toContain('echo one')
    req.write('{"nope":1}\n')
    await new Promise((resolve) => res.on('close', resolve))
    expect(heard.split('\n')[1]).toMatch(/^\{"error":\{"code":3,"message":".*nope.*"/)
    expect(res.complete).toBe(false)
  }))

test('what is not right in an upload is told, though the server has begun to answer', () =>
  asked(
    async (_, __, front) => {
      const req = request(`${front.url}/v1/items:import`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } })
      req.write('{"title":"one"}\n')
      await expect.poll(() => begun).toBe(1)
      req.end('{"nope":1}\n')
      const [res] = (await once(req, 'response')) as [IncomingMessage]
      expect(res.statusCode).toBe(400)
      res.resume()
    },
    {},
    {
      ImportItems(call: Readable & { sendMetadata(metadata: unknown): void; metadata: unknown }) {
        call.on('error', () => {})
        call.on('data', () => {
          call.sendMetadata(call.metadata)
          begun++
        })
      },
    },
  ))

let begun = 0
