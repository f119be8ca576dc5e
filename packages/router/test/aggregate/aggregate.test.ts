import { Readable } from 'node:stream'
import {
  type Context,
  empty,
  GatewayError,
  type Handler,
  HeaderList,
  json,
  problem,
  type Reply,
  subscribe,
  text,
} from '@gatelet/core'
import { aggregate, createRouter, type PartOptions, part, type StandardSchema } from '@gatelet/router'
import { call, exchange } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

const gives = (value: unknown, headers: Record<string, string> = {}): Handler => {
  return () => json(value, { headers })
}
const givesText = (body: string): Handler => {
  return () => text(body, { headers: { 'content-type': 'application/json' } })
}
/** Tells what it was asked. */
const echo: Handler = ({ request }) =>
  json({ method: request.method, url: request.url.path + request.url.search, headers: Object.fromEntries(request.headers) })

/** One part under the name `x`, asked by this request. */
async function asked(options: Omit<PartOptions, 'from'>, request: Parameters<typeof call>[1] = '/') {
  const reply = await call(aggregate({ x: part({ from: echo, ...options }) }), request)
  return ((await reply.json()) as { x: { method: string; url: string; headers: Record<string, string> } }).x
}

test('puts what each part answered under its name, in the order in which they are given', async () => {
  const user = part({ from: async () => json({ id: 7 }) })
  const reply = await call(aggregate({ user, list: part({ from: gives([1, 2]) }), no: part({ from: gives(null) }) }), '/home')
  expect(reply.status).toBe(200)
  expect(await reply.text()).toBe('{"user":{"id":7},"list":[1,2],"no":null}')
  expect(reply.headers.get('content-type')).toBe('application/json')
  expect(reply.headers.get('gatelet-completed')).toBe('?1')
  expect(reply.headers.has('gatelet-missing')).toBe(false)
})

test('asks parts at the same time, and keeps their order whoever answers first', async () => {
  let answerFirst = () => {}
  const first = part({
    from: () =>
      new Promise<Reply>((resolve) => {
        answerFirst = () => resolve(json('first'))
      }),
  })
  const second = part({
    from() {
      answerFirst()
      return json('second')
    },
  })
  expect(await (await call(aggregate({ first, second }))).text()).toBe('{"first":"first","second":"second"}')
})

describe('a part that needs others', () => {
  const account = part({ from: gives({ account: 12 }), read: (value) => value as { account: number } })

  test('is asked with what they gave, encoded where it goes into a path or a query', async () => {
    const name = part({ from: gives('a/../b&c=d'), read: String })
    const orders = part({
      from: echo,
      after: { account, name },
      request: (_, { account, name }) => ({
        path: '/of/:account/:name',
        params: { account: account.account, name: name.replaceAll('/..', '') },
        query: { name, all: true, tags: ['x', 1], not: undefined },
      }),
    })
    const reply = await call(aggregate({ orders }))
    const url = '/of/12/a%2Fb%26c%3Dd?name=a%2F..%2Fb%26c%3Dd&all=true&tags=x&tags=1'
    expect(await reply.json()).toMatchObject({ orders: { url } })
  })

  test('fails when what they gave would become another path', async () => {
    for (const id of ['..', 'a/../../admin', '', '.']) {
      const bad = part({ from: gives(id), read: String })
      const orders = part({ from: echo, after: { bad }, request: (_, { bad }) => ({ path: '/of/:bad/x', params: { bad } }) })
      expect((await call(aggregate({ orders }))).status).toBe(502)
    }
  })

  test('shares their answers: each is asked once', async () => {
    let hits = 0
    const user = part({ from: () => json(++hits) })
    const a = part({ from: gives('a'), after: { user } })
    const b = part({ from: gives('b'), after: { user, a } })
    expect(await (await call(aggregate({ b, a, user }))).json()).toEqual({ b: 'b', a: 'a', user: 1 })
    expect(await (await call(aggregate({ b }))).json()).toEqual({ b: 'b' })
    expect(hits).toBe(2)
  })

  test('is missing when one of them is, and is not asked', async () => {
    let hits = 0
    const user = part({ from: () => empty(500), optional: true })
    const from: Handler = () => json(++hits)
    const reply = await call(aggregate({ ok: part({ from: gives(1) }), orders: part({ from, after: { user }, optional: true }) }))
    expect(await reply.json()).toEqual({ ok: 1 })
    expect(reply.headers.get('gatelet-missing')).toBe('orders')
    expect((await call(aggregate({ ok: part({ from: gives(1) }), orders: part({ from, after: { user } }) }))).status).toBe(502)
    expect(hits).toBe(0)
  })
})

describe('a part that fails', () => {
  const secret = 'connect ECONNREFUSED 10.0.0.7:5432'
  const ways: Record<string, Handler> = {
    'by an error': () => {
      throw new Error(secret)
    },
    'by a status': () => text(secret, 500),
    'by a redirect': () => empty({ status: 302, headers: { location: 'http://10.0.0.7/' } }),
    'by what is not JSON': () => text(secret),
    'by JSON that is none': givesText(`{"a": ${secret}`),
    'by nothing at all': givesText(''),
    'by a problem': () => problem({ status: 403, title: secret }),
    'by a part of its text': () => text('{"a":1}', { status: 206, headers: { 'content-type': 'application/json' } }),
    'by bytes that are no text': () => ({ ...json(1), body: new Uint8Array([0x22, 0xff, 0x22]) }),
    'by a name that comes twice': givesText('{"a":1,"a":2}'),
    'by __proto__': givesText('{"__proto__":{"isAdmin":true}}'),
    'by 200 levels': givesText('['.repeat(200) + ']'.repeat(200)),
    'by 400,000 levels': givesText('['.repeat(400_000)),
    'by no reply': () => undefined as never,
  }

  test.each(Object.entries(ways))('%s is a 502 that names it and nothing else', async (_, from) => {
    const reply = await call(aggregate({ ok: part({ from: gives(1) }), user: part({ from }) }))
    expect(reply.status).toBe(502)
    expect(await reply.json()).toEqual({
      title: 'A part of the answer could not be had',
      status: 502,
      code: 'PART_FAILED',
      detail: 'It was the part user',
    })
    expect(reply.headers.get('cache-control')).toBe('no-store')
  })

  test.each(Object.entries(ways))(
    '%s leaves a reply without it where it is optional, marked and not to be stored',
    async (_, from) => {
      const ok = part({ from: gives(1, { 'cache-control': 'max-age=60' }) })
      const reply = await call(aggregate({ ok, 'the-user': part({ from, optional: true }), b: part({ from, optional: true }) }))
      expect(reply.status).toBe(200)
      expect(await reply.text()).toBe('{"ok":1}')
      expect(Object.fromEntries(reply.headers)).toEqual({
        'content-type': 'application/json',
        'gatelet-completed': '?0',
        'gatelet-missing': 'the-user, b',
        'cache-control': 'no-store',
      })
    },
  )

  test('is told to who listens, once, with its reason', async () => {
    const told: string[] = []
    const undo = subscribe('part:failed', ({ part, error }) => void told.push(`${part}: ${(error as Error).message}`))
    const never: Handler = (ctx) => new Promise((_, reject) => void ctx.onAbort(() => reject(new Error('stopped'))))
    await call(aggregate({ a: part({ from: () => text('x', 503), optional: true }), b: part({ from: gives(1) }) }))
    await call(aggregate({ a: part({ from: () => text('x') }), b: part({ from: never }) }))
    undo()
    expect(told).toEqual(['a: it answered 503', 'a: it answered text/plain, not JSON'])
  })

  test('is a 502 where all are optional and none answered', async () => {
    const from = () => text('x', 500)
    const reply = await call(aggregate({ a: part({ from, optional: true }), b: part({ from, optional: true }) }))
    expect(reply.status).toBe(502)
    expect(await reply.json()).toMatchObject({ code: 'PART_FAILED', detail: 'It was every part' })
  })

  test('cancels the others at once, and they are not told of', async () => {
    let cancel = () => {}
    const cancelled = new Promise<void>((resolve) => {
      cancel = resolve
    })
    const slow: Handler = (ctx) => new Promise(() => void ctx.onAbort(cancel))
    const reply = await call(aggregate({ slow: part({ from: slow }), bad: part({ from: () => empty(500) }) }))
    expect(await reply.json()).toMatchObject({ detail: 'It was the part bad' })
    await cancelled
  })
})

describe('a 404 or 410 of a part', () => {
  const gone: Handler = () => problem({ status: 410, title: 'Ada was here' })

  test('is a failure', async () => {
    expect((await call(aggregate({ user: part({ from: gone }) }))).status).toBe(502)
  })

  test('is the whole reply’s where it may pass, without what the part said', async () => {
    const throwing: Handler = () => {
      throw new GatewayError('NOT_FOUND', { detail: 'Ada was here' })
    }
    for (const from of [gone, throwing]) {
      const never = part({ from: () => new Promise<never>(() => {}) })
      const reply = await call(aggregate({ user: part({ from, notFound: 'pass' }), never }))
      expect(reply.status).toBe(404)
      expect(await reply.json()).toEqual({ title: 'Nothing is here', status: 404, code: 'NOT_FOUND' })
    }
  })

  test('is null where that is an answer, and so is what needs it', async () => {
    const avatar = part({ from: gone, notFound: 'null' })
    const size = part({ from: gives(1), after: { avatar } })
    const inReply = part({ from: gone, notFound: 'null', group: false })
    const reply = await call(aggregate({ avatar, size, inReply }))
    expect(await reply.text()).toBe('{"avatar":null,"size":null}')
    expect(reply.headers.get('gatelet-completed')).toBe('?1')
  })
})

describe('what a part is asked', () => {
  test('is GET of the path that came, without its query, whatever the client’s method is', async () => {
    expect(await asked({}, { method: 'POST', url: '/home?secret=1', body: 'x' })).toMatchObject({ method: 'GET', url: '/home' })
  })

  test('is a path with the params of the route in it, encoded again', async () => {
    const router = createRouter().get('/home/:id', aggregate({ x: part({ from: echo, request: '/users/:id/x' }) }))
    expect(await (await call(router, '/home/a%20b%3F')).json()).toMatchObject({ x: { url: '/users/a%20b%3F/x' } })
    const other = aggregate({ x: part({ from: echo, request: { path: '/users/:id' } }) })
    expect((await call(other, '/home')).status).toBe(502)
  })

  test('has the names of the client’s query that may pass', async () => {
    expect((await asked({ passQuery: true }, '/?a=%20&b=1+1')).url).toBe('/?a=%20&b=1+1')
    expect((await asked({ passQuery: ['a'] }, '/?b=1&a=2&a=3')).url).toBe('/?a=2&a=3')
    const request = { query: { a: 9 } }
    expect((await asked({ passQuery: ['a', 'b'], request }, '/?b=1&a=2')).url).toBe('/?b=1&a=9')
    expect((await asked({ passQuery: true, request }, '/?b=1&a=2')).url).toBe('/?b=1&a=9')
  })

  test('has no credentials of the client’s unless they are named', async () => {
    const request = {
      headers: {
        ...{ authorization: 'Bearer x', cookie: 'sid=1', 'x-api-key': 'k', 'if-none-match': '"a"', range: 'bytes=0-1' },
        ...{ accept: 'text/html', 'accept-encoding': 'br', 'accept-language': 'de', traceparent: '00-a', via: '1.1 a' },
        ...{ 'x-forwarded-access-token': 't', 'x-forwarded-client-cert': 'c', 'x-forwarded-for': '192.0.2.1' },
      },
    }
    const { headers } = await asked({}, request)
    expect(headers).toEqual({
      ...{ accept: 'application/json', 'accept-encoding': 'identity' },
      ...{ 'accept-language': 'de', traceparent: '00-a', via: '1.1 a', 'x-forwarded-for': '192.0.2.1' },
    })
    expect((await asked({ passHeaders: ['Cookie', 'authorization'] }, request)).headers).toMatchObject({
      authorization: 'Bearer x',
      cookie: 'sid=1',
    })
  })

  test('has headers and a body of its own', async () => {
    const seen: Context[] = []
    const from: Handler = (ctx) => {
      seen.push(ctx)
      return json(null)
    }
    const request = { method: 'POST', headers: { 'x-tenant': 'a' }, body: { ids: [1, 2] } }
    const bytes = { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: Buffer.from('hello') }
    await call(aggregate({ a: part({ from, request }), b: part({ from, request: async () => bytes }) }))
    const [first, second] = seen.map((ctx) => ctx.request)
    expect(first).toMatchObject({ method: 'POST', body: '{"ids":[1,2]}' })
    expect(Object.fromEntries(first?.headers ?? [])).toMatchObject({
      ...{ 'x-tenant': 'a', 'content-type': 'application/json', 'content-length': '13' },
    })
    expect(second?.headers.get('content-type')).toBe('text/plain')
    expect(Buffer.from(second?.body as Uint8Array).toString()).toBe('hello')
  })

  test('knows state, client and deadline', async () => {
    const { ctx } = exchange()
    const from: Handler<{ name: string }> = ({ state, deadline, request }) => json([state.name, deadline, request.client.address])
    const reply = await aggregate({ x: part({ from }) })(ctx.with({ name: 'ann' }).withDeadline(5))
    expect(reply.body).toBe('{"x":["ann",5,"127.0.0.1"]}')
  })

  test('is refused where it is not right: the part fails, and nobody is asked', async () => {
    let hits = 0
    const from: Handler = () => json(++hits)
    const wrong = [
      'users',
      { path: '/a?b' },
      { path: '/:id' },
      { path: '/*' },
      { method: 'get' },
      { method: 'HEAD' },
      { body: 1 },
      { headers: { 'a b': 'c' } },
      { headers: { a: 'b\r\nc: d' } },
      { headers: { 'transfer-encoding': 'chunked' } },
      { query: { a: {} } },
      undefined,
    ]
    for (const request of wrong) {
      const reply = await call(aggregate({ x: part({ from, request: () => request as string }) }))
      expect(reply.status).toBe(502)
    }
    expect(hits).toBe(0)
  })
})

describe('what a part gives', () => {
  test('is what its reader or its schema makes of it', async () => {
    const schema: StandardSchema<unknown, number> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (value) => (typeof value === 'number' ? { value: value + 1 } : { issues: [{ message: 'no number' }] }),
      },
    }
    const a = part({ from: gives(1), read: schema })
    const b = part({ from: gives('x'), read: schema, optional: true })
    const c = part({ from: gives([1]), read: (value) => ({ got: value }) })
    expect(await (await call(aggregate({ a, b, c }))).json()).toEqual({ a: 2, c: { got: [1] } })
  })

  test('is seen whole by those behind, and clipped in the reply', async () => {
    const user = part({
      from: gives({
        data: {
          id: 1,
          ssn: 'x',
          items: [
            { sku: 'a', price: 1 },
            { sku: 'b', price: 2 },
          ],
        },
      }),
      target: 'data',
      deny: ['ssn', 'items.price'],
      rename: { 'items.sku': 'id' },
      group: 'page.user',
    })
    const seen = part({
      from: echo,
      after: { user },
      request: (_, { user }) => ({ query: { of: JSON.stringify(user) } }),
      target: 'url',
    })
    const reply = await (await call(aggregate({ user, seen }))).json<{ page: object; seen: string }>()
    expect(reply.page).toEqual({ user: { id: 1, items: [{ id: 'a' }, { id: 'b' }] } })
    expect(decodeURIComponent(reply.seen)).toContain('"ssn":"x"')
  })

  test('fails where its target is not there, or where it must be an object and is none', async () => {
    for (const options of [{ target: 'a.b' }, { target: 'constructor' }, { target: 'list.length' }]) {
      expect((await call(aggregate({ x: part({ from: gives({ list: [] }), ...options }) }))).status).toBe(502)
    }
    expect((await call(aggregate({ x: part({ from: gives([1]), group: false }) }))).status).toBe(502)
  })

  test('stands in the reply itself without a group; the later part has a name that both have', async () => {
    const a = part({ from: gives({ id: 1, own: 'a', page: 1 }), group: false })
    const b = part({ from: gives({ id: 2, constructor: 3, toString: 4 }), group: false })
    const c = part({ from: gives(true), group: 'page.c' })
    const d = part({ from: gives(true), group: 'page.d' })
    const reply = await call(aggregate({ a, b, c, d }))
    expect(await reply.text()).toBe('{"id":2,"own":"a","page":{"c":true,"d":true},"constructor":3,"toString":4}')
  })

  test('is null for 204, which has no type', async () => {
    expect(await (await call(aggregate({ a: part({ from: () => empty() }), b: part({ from: gives(1) }) }))).json()).toEqual({
      a: null,
      b: 1,
    })
  })
})

test('a part that is itself incomplete makes the whole incomplete', async () => {
  const inner = aggregate({ a: part({ from: gives(1) }), b: part({ from: () => empty(500), optional: true }) })
  const reply = await call(aggregate({ inner: part({ from: inner }), c: part({ from: gives(2) }) }))
  expect(await reply.json()).toEqual({ inner: { a: 1 }, c: 2 })
  expect([reply.headers.get('gatelet-completed'), reply.headers.get('gatelet-missing')]).toEqual(['?0', 'inner'])
  expect(reply.headers.get('cache-control')).toBe('no-store')
})

test('one that others only read marks what is made of it, at any distance', async () => {
  const half = aggregate({ a: part({ from: gives(1) }), b: part({ from: () => empty(500), optional: true }) })
  const hidden = part({ from: half })
  const between = part({ from: gives(2), after: { hidden } })
  const reply = await call(
    aggregate({ far: part({ from: gives(3), after: { between } }), other: part({ from: gives(4) }), near: between }),
  )
  expect(await reply.json()).toEqual({ far: 3, other: 4, near: 2 })
  expect([reply.headers.get('gatelet-completed'), reply.headers.get('gatelet-missing')]).toEqual(['?0', 'far, near'])
  expect(reply.headers.get('cache-control')).toBe('no-store')
})

describe('headers of the parts', () => {
  const stored = { 'cache-control': 'max-age=60' }

  test('do not pass, cookies too, unless they are asked for; then nothing is stored', async () => {
    const headers = { ...stored, 'set-cookie': 'a=1', etag: '"a"', 'x-powered-by': 'x', 'last-modified': 'x' }
    const reply = await call(aggregate({ x: part({ from: gives(1, headers) }) }))
    expect([...reply.headers].map(([name]) => name)).toEqual(['content-type', 'gatelet-completed', 'cache-control'])
    const both = aggregate({ x: part({ from: gives(1, headers), setCookies: true }), y: part({ from: gives(1, headers) }) })
    const second = await call(both)
    expect(second.headers.getSetCookie()).toEqual(['a=1'])
    expect(second.headers.get('cache-control')).toBe('no-store')
  })

  test('say together how long and by whom it may be stored, and what it depends on', async () => {
    const a = part({ from: gives(1, { 'cache-control': 'public, max-age=60', vary: 'Accept-Language' }) })
    const b = part({ from: gives(1, { 'cache-control': 'max-age=100', age: '70', vary: 'accept-language, x-tenant' }) })
    const reply = await call(aggregate({ a, b }))
    expect(reply.headers.get('cache-control')).toBe('max-age=30')
    expect(reply.headers.get('vary')).toBe('Accept-Language, x-tenant')
    const personal = await call(aggregate({ a, b }), { headers: { authorization: 'Bearer x' } })
    expect(personal.headers.get('cache-control')).toBe('private, max-age=30')
  })

  test('count for nothing where a part was asked by another method', async () => {
    const a = part({ from: gives(1, stored), request: { method: 'POST' } })
    expect((await call(aggregate({ a }))).headers.get('cache-control')).toBe('no-store')
  })
})

test('a WebSocket handshake is refused', async () => {
  const reply = await call(aggregate({ x: part({ from: echo }) }), { kind: 'upgrade' })
  expect(reply.status).toBe(400)
})

describe('options that are not right', () => {
  const x = part({ from: echo })
  const at = (group: string | false, more: object = {}) => part({ from: echo, group, ...more })
  const wrong: [string, () => unknown, string][] = [
    ['no parts', () => aggregate({}), 'at least one part'],
    ['what part has not made', () => aggregate({ x: { from: echo } as never }), 'parts.x must be made by part()'],
    ['a name that is no token', () => aggregate({ 'a b': x }), 'whose names are letters'],
    ['one part twice', () => aggregate({ x, y: x }), 'each stand there once'],
    ['two parts at one place', () => aggregate({ x, y: at('x') }), 'y must stand at another place than x'],
    ['a part inside another', () => aggregate({ x, y: at('x.y') }), 'x.y of the reply'],
    ['a field that is another part', () => aggregate({ x, y: at(false, { allow: ['x.a'] }) }), 'x of the reply'],
    [
      'a new name that is another part',
      () => aggregate({ x, y: at(false, { allow: ['a'], rename: { a: 'x' } }) }),
      'x of the reply',
    ],
    [
      'a body of a GET',
      () => part({ from: echo, request: { body: 1 } }),
      'request.body must be left out where the method is GET',
    ],
    ['a body that is not JSON', () => part({ from: echo, request: { method: 'POST', body: 1n } }), 'a value that JSON has'],
    ['a path with a rest that has no name', () => part({ from: echo, request: '/a/*' }), 'whose rest has a name'],
    ['a name inside a bad name', () => part({ from: echo, rename: { 'a..b': 'c' } }), 'names with dots between them'],
    ['a host', () => part({ from: echo, request: { headers: { Host: 'a' } } }), 'use the option host of proxy'],
  ]

  test.each(wrong)('stop the start: %s', (_, make, message) => {
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
  })

  test('stop the start: more than 32 parts, with those that others need', () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, part({ from: echo })]))
    aggregate(many(32))
    expect(() => aggregate(many(33))).toThrow('at most 32')
    expect(() => aggregate({ ...many(31), a: part({ from: echo, after: many(2) }) })).toThrow('at most 32')
  })
})

describe('what only some may see', () => {
  const from: Handler = () => json(1, { headers: { 'cache-control': 'max-age=60' } })

  test('is never stored when a part says that it is incomplete, whatever else that says', async () => {
    const half: Handler = () => json(1, { headers: { 'cache-control': 'max-age=60', 'gatelet-completed': '?0' } })
    const { headers } = await call(aggregate({ a: part({ from: half }), b: part({ from }) }))
    expect([headers.get('gatelet-completed'), headers.get('cache-control')]).toEqual(['?0', 'no-store'])
  })

  test.each(['authorization', 'cookie'])('is private where the client sent %s', async (name) => {
    const { headers } = await call(aggregate({ a: part({ from }) }), { headers: { [name]: 'x=1' } })
    expect(headers.get('cache-control')).toBe('private, max-age=60')
  })
})

test('a body that is read when its request is decided otherwise is let go', async () => {
  const endless = new Readable({ read() {} })
  const slow = part({
    from: () => ({ status: 200, headers: new HeaderList({ 'content-type': 'application/json' }), body: endless }),
  })
  const failing = part({ from: () => new Promise((_, reject) => setImmediate(reject, new Error('no'))) })
  expect((await call(aggregate({ slow, failing }))).status).toBe(502)
  expect(endless.destroyed).toBe(true)
})
