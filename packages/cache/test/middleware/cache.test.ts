import { Readable } from 'node:stream'
import { cache } from '@gatelet/cache'
import { type Context, empty, GatewayError, HeaderList, PushSource, subscribe, text } from '@gatelet/core'
import { call, exchange } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { PlainStore } from '../fakes/plain-store.ts'
import { closedGate, fresh, scene, seen } from './scene.ts'

const range = (value: string) => ({ headers: { range: value } })

describe('hits and misses', () => {
  test('asks once, and answers the next from the store', async () => {
    const { get, asked, clock } = scene(() => fresh())
    const first = await get('/a')
    expect([first.body, first.said]).toEqual(['hello', 'fwd=uri-miss; fwd-status=200; stored'])
    await clock.advance(5_000)
    const second = await get('/a')
    expect([second.body, second.said]).toEqual(['hello', 'hit; ttl=55'])
    expect(second.answer.headers.get('age')).toBe('5')
    expect(asked).toHaveLength(1)
  })

  test('keeps hosts, paths and queries apart', async () => {
    const { get } = scene((ctx) => fresh(`${ctx.request.url.host}${ctx.request.url.path}${ctx.request.url.search}`))
    const urls = [
      'http://a.example/x',
      'http://b.example/x',
      'http://a.example/x/',
      'http://a.example/x?q=1',
      'https://a.example/x',
    ]
    for (const url of [...urls, ...urls]) expect((await get({ url })).body).toBe(url.replace(/^https?:\/\//, ''))
  })

  test('answers HEAD from what GET has stored, with its length', async () => {
    const { get, asked } = scene(() => fresh('hello'))
    await get('/a')
    const { answer, body, said } = await get('HEAD /a')
    expect([body, said, answer.headers.get('content-length')]).toEqual(['', 'hit; ttl=60', '5'])
    expect(asked).toHaveLength(1)
  })

  test('answers whom has it already with 304', async () => {
    const { get, asked } = scene(() => fresh('hello', { etag: '"1"' }))
    await get('/a')
    const { status, body } = await get({ url: '/a', headers: { 'if-none-match': '"1"' } })
    expect([status, body, asked.length]).toEqual([304, '', 1])
  })

  test('stores a body that comes as a stream, and gives it in one piece', async () => {
    const { get, asked } = scene(() => ({ ...fresh(), body: Readable.from([Buffer.from('hel'), Buffer.from('lo')]) }))
    expect((await get()).body).toBe('hello')
    const { answer } = await get()
    expect(answer.headers.get('content-length') ?? String((await answer.bytes()).byteLength)).toBe('5')
    expect(asked).toHaveLength(1)
  })

  test.each([204, 205])('stores a reply without content: %d', async (status) => {
    const { get, asked } = scene(() => empty({ status, headers: { 'cache-control': 'max-age=60' } }))
    await get()
    expect(await get()).toMatchObject({ status, said: 'hit; ttl=60' })
    expect(asked).toHaveLength(1)
  })

  test('does not store what is longer than it may be, announced or not, and the client gets all of it', async () => {
    const long = 'x'.repeat(100)
    const { get, store } = scene(
      (_, n) =>
        n === 1
          ? fresh(long)
          : { ...fresh(), body: Readable.from([Buffer.from(long.slice(0, 50)), Buffer.from(long.slice(50))]) },
      { maxEntryBytes: 99 },
    )
    const announced = await get('/a')
    expect([announced.body, announced.said]).toEqual([long, 'fwd=uri-miss; fwd-status=200; detail=too-large'])
    expect((await get('/b')).body).toBe(long)
    expect(store.urls).toEqual([])
    expect(store.open_.size).toBe(0)
  })

  test('does not store a body that breaks off, nor one that is not as long as announced', async () => {
    const { get, store } = scene((_, n) => {
      const headers = new HeaderList({ 'cache-control': 'max-age=60', 'content-length': '10' })
      const body = new PushSource({ pause() {}, resume() {}, cancel() {} })
      body.push(Buffer.from('hello'))
      if (n === 1) body.fail(new Error('reset'))
      else body.end()
      return { status: 200, headers, body }
    })
    await expect(get('/a')).rejects.toThrow('reset')
    await get('/b')
    expect(store.urls).toEqual([])
    expect(store.open_.size).toBe(0)
  })

  test('does not store what the client has not waited for', async () => {
    let cancelled = false
    const { handler, store, clock } = scene(() => {
      const body = new PushSource({
        pause() {},
        resume() {},
        cancel: () => {
          cancelled = true
        },
      })
      body.push(Buffer.from('hello'))
      return { ...fresh(), body }
    })
    const asked = exchange('/a', { clock })
    await asked.ask(handler)
    asked.abort()
    await Promise.all(asked.background)
    expect([cancelled, store.urls, store.open_.size]).toEqual([true, [], 0])
  })
})

describe('what is not stored says why', () => {
  test.each([
    ['no-store', { 'cache-control': 'no-store' }, {}, 'fwd=uri-miss; fwd-status=200; detail=no-store'],
    ['private', { 'cache-control': 'private' }, {}, 'fwd=uri-miss; fwd-status=200; detail=private'],
    ['a cookie that is set', { 'set-cookie': 'a=b' }, {}, 'fwd=uri-miss; fwd-status=200; detail=set-cookie'],
    ['credentials', {}, { authorization: 'Bearer x' }, 'fwd=bypass; fwd-status=200; detail=authorization'],
    ['a cookie', {}, { cookie: 'a=b' }, 'fwd=uri-miss; fwd-status=200; detail=cookie'],
  ])('%s', async (_, headers, request, said) => {
    const { get, asked } = scene(() => fresh('x', headers as Record<string, string>))
    for (let n = 0; n < 2; n++) expect((await get({ url: '/a', headers: request as Record<string, string> })).said).toBe(said)
    expect(asked).toHaveLength(2)
  })
})

describe('ranges', () => {
  const whole = '0123456789'

  test('of a stored body are answered from it', async () => {
    const { get, asked } = scene(() => fresh(whole))
    await get()
    const { status, body, answer } = await get(range('bytes=2-4'))
    expect([status, body, answer.headers.get('content-range')]).toEqual([206, '234', 'bytes 2-4/10'])
    expect(asked).toHaveLength(1)
  })

  test('several come in parts, with a boundary that is another one each time', async () => {
    const { get } = scene(() => fresh(whole))
    await get()
    const boundaries = new Set<string>()
    for (let n = 0; n < 3; n++) {
      const { body, answer } = await get(range('bytes=0-1,8-'))
      const [, boundary = ''] =
        /^multipart\/byteranges; boundary=([a-z0-9]{20,})$/.exec(answer.headers.get('content-type') ?? '') ?? []
      boundaries.add(boundary)
      const parts = body.split(`--${boundary}`)
      expect(parts.map((part) => part.split('\r\n\r\n')[1]?.trim())).toEqual([undefined, '01', '89', undefined])
      expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(body)))
    }
    expect(boundaries.size).toBe(3)
  })

  test('on a miss go to the upstream, and a part is not stored', async () => {
    const { get, asked, store } = scene((ctx) =>
      ctx.request.headers.has('range') ? text('01', { status: 206, headers: { 'content-range': 'bytes 0-1/10' } }) : fresh(whole),
    )
    expect((await get(range('bytes=0-1'))).body).toBe('01')
    expect(asked[0]?.request.headers.get('range')).toBe('bytes=0-1')
    expect(store.urls).toEqual([])
  })
})

describe('revalidation', () => {
  test('asks by the tag, and answers from the store when it holds', async () => {
    const { get, asked, clock } = scene((ctx) =>
      ctx.request.headers.get('if-none-match') === '"1"'
        ? empty({ status: 304, headers: { etag: '"1"', 'cache-control': 'max-age=60' } })
        : fresh('hello', { etag: '"1"' }),
    )
    await get()
    await clock.advance(61_000)
    const again = await get()
    expect([again.status, again.body, again.said]).toEqual([200, 'hello', 'fwd=stale; fwd-status=304'])
    expect((await get()).said).toBe('hit; ttl=60')
    expect(asked).toHaveLength(2)
  })

  test('answers with the new one when it does not, and stores that', async () => {
    const { get, clock } = scene((_, n) => fresh(`body ${n}`, { etag: `"${n}"` }))
    await get()
    await clock.advance(61_000)
    expect((await get()).body).toBe('body 2')
    expect((await get()).body).toBe('body 2')
  })

  test('asks once more, for all, when a 304 speaks of something else', async () => {
    const { get, clock, asked } = scene((ctx) =>
      ctx.request.headers.has('if-none-match')
        ? empty({ status: 304, headers: { etag: '"other"' } })
        : fresh('hello', { etag: '"1"' }),
    )
    await get()
    await clock.advance(61_000)
    const again = await get()
    expect([again.status, again.body, asked.length]).toEqual([200, 'hello', 3])
    expect(again.said).toBe('fwd=stale; fwd-status=200; stored; detail=mismatch')
  })

  test('sends what is stale in place of an error, whether it is answered or thrown', async () => {
    const { get, clock } = scene((_, n) => {
      if (n === 2) return text('broken', 503)
      if (n === 3) throw new GatewayError('UPSTREAM_CONNECT_FAILED')
      return fresh('hello', { 'cache-control': 'max-age=60, stale-if-error=600' })
    })
    await get()
    await clock.advance(61_000)
    const answered = await get()
    expect([answered.status, answered.body, answered.said]).toEqual([
      200,
      'hello',
      'fwd=stale; fwd-status=503; detail=stale-if-error',
    ])
    const thrown = await get()
    expect([thrown.status, thrown.body, thrown.said]).toEqual([200, 'hello', 'fwd=stale; detail=stale-if-error'])
  })

  test.each([
    ['has a body, which is in no key', { 'content-length': '2' }],
    ['has a condition of its own', { 'if-match': '*' }],
  ])('a HEAD that %s changes nothing that is stored', async (_, headers) => {
    const { get, asked } = scene((ctx) =>
      ctx.request.method === 'HEAD' ? fresh('', { 'content-length': '2', etag: '"2"' }) : fresh('hello', { etag: '"1"' }),
    )
    await get('/a')
    await get({ method: 'HEAD', url: '/a', headers })
    expect((await get('/a')).said).toBe('hit; ttl=60')
    expect(asked).toHaveLength(2)
  })

  test('a HEAD that tells of another length makes what is stored stale', async () => {
    const { get, asked } = scene(
      (ctx, n) =>
        ctx.request.method === 'HEAD'
          ? { status: 200, headers: new HeaderList({ 'content-length': '3', 'cache-control': 'max-age=60' }), body: null }
          : fresh(n === 1 ? 'hello' : 'new'),
      { requestDirectives: true },
    )
    await get('/a')
    expect((await get({ method: 'HEAD', url: '/a', headers: { 'cache-control': 'no-cache' } })).said).toBe(
      'fwd=request; fwd-status=200; detail=method',
    )
    expect((await get('/a')).body).toBe('new')
    expect(asked).toHaveLength(3)
  })
})

describe('a stale reply that may be sent', () => {
  const swr = { 'cache-control': 'max-age=60, stale-while-revalidate=60' }

  test('is sent at once, and asked about in the background', async () => {
    const { get, clock, asked } = scene((_, n) => fresh(`body ${n}`, swr))
    await get()
    await clock.advance(70_000)
    const stale = await get()
    expect([stale.body, stale.said]).toEqual(['body 1', 'hit; ttl=-10'])
    expect((await get()).body).toBe('body 2')
    expect(asked).toHaveLength(2)
  })

  test('is asked about once however many ask for it', async () => {
    const gate = closedGate()
    const { handler, clock, asked } = scene(async (_, n) => {
      if (n === 2) await gate.passed
      return fresh(`body ${n}`, swr)
    })
    await seen(call(handler, '/', { clock }))
    await clock.advance(70_000)
    const answers = []
    for (let n = 0; n < 10; n++) answers.push(await call(handler, '/', { clock }))
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(Array(10).fill('body 1'))
    gate.open()
    await Promise.all(answers.flatMap(({ exchange }) => exchange.background))
    expect(asked).toHaveLength(2)
    expect((await seen(call(handler, '/', { clock }))).body).toBe('body 2')
  })

  test('is not asked about at once again when that fails', async () => {
    const { get, clock, asked } = scene((_, n) => {
      if (n > 1 && n < 3) throw new Error('down')
      return fresh(`body ${n}`, swr)
    })
    await get()
    await clock.advance(70_000)
    for (let n = 0; n < 5; n++) expect((await get()).body).toBe('body 1')
    expect(asked).toHaveLength(2)
    await clock.advance(1_000)
    await get()
    expect((await get()).body).toBe('body 3')
  })

  test('is not read without end, when it is longer than may be stored by now', async () => {
    let cancelled = false
    const { get, clock, store } = scene(
      (_, n) => {
        if (n === 1) return fresh('body 1', swr)
        const body = new PushSource({
          pause() {},
          resume() {},
          cancel() {
            cancelled = true
          },
        })
        for (let at = 0; at < 3; at++) body.push(Buffer.from('0123456789'))
        return { ...fresh('', swr), body }
      },
      { maxEntryBytes: 20 },
    )
    await get()
    await clock.advance(70_000)
    expect((await get()).body).toBe('body 1')
    expect([cancelled, store.open_.size, (await get()).body]).toEqual([true, 0, 'body 1'])
  })

  test('is asked about after a moment, which is by chance', async () => {
    const { get, clock, asked, handler } = scene((_, n) => fresh(`body ${n}`, swr), { refreshJitterMs: 1_000 })
    await get()
    await clock.advance(70_000)
    const answer = await call(handler, '/', { clock })
    await answer.text()
    expect(asked).toHaveLength(1)
    await clock.advance(1_000)
    await Promise.all(answer.exchange.background)
    expect(asked).toHaveLength(2)
  })
})

describe('what requests and options say', () => {
  test('only-if-cached is answered with 504, without asking', async () => {
    const { get, asked } = scene(() => fresh())
    const { status, said } = await get({ url: '/a', headers: { 'cache-control': 'only-if-cached' } })
    expect([status, said, asked.length]).toEqual([504, 'detail=only-if-cached', 0])
  })

  test('requests that are to pass do so, and are neither looked up nor stored', async () => {
    const { get, asked } = scene(() => fresh(), { bypass: (ctx) => ctx.request.headers.has('x-debug') })
    await get('/a')
    const passed = await get({ url: '/a', headers: { 'x-debug': '1' } })
    expect(passed.said).toBe('fwd=bypass; fwd-status=200; detail=by-option')
    expect(asked).toHaveLength(2)
  })

  test('fields that are in no key do not reach the application', async () => {
    const { get, asked } = scene(() => fresh())
    const hostile = {
      'x-forwarded-host': 'evil',
      'X-HTTP-Method-Override': 'DELETE',
      'x-original-url': '/admin',
      'x-forwarded-proto': 'x',
    }
    await get({ url: '/a', headers: { ...hostile, accept: 'text/html' } })
    expect([...(asked[0]?.request.headers ?? [])].map(([name]) => name.toLowerCase())).toEqual(['accept', 'host'])
  })

  test('tags do not reach the client, but for the option', async () => {
    const tagged = () => fresh('x', { 'surrogate-key': 'a b', 'cache-tag': 'c,d' })
    const { get, store } = scene(tagged)
    expect((await get()).answer.headers.has('surrogate-key')).toBe(false)
    expect((await get()).answer.headers.has('cache-tag')).toBe(false)
    expect([...store.entries.values()].flat()[0]?.meta.tags).toEqual(['a', 'b', 'c', 'd'])
    const open = scene(tagged, { keepTags: true })
    await open.get()
    expect((await open.get()).answer.headers.get('surrogate-key')).toBe('a b')
  })

  test('tags of a 304 take the place of the old ones, and do not reach the client either', async () => {
    const { get, store, clock } = scene((ctx) =>
      ctx.request.headers.has('if-none-match')
        ? empty({ status: 304, headers: { etag: '"1"', 'cache-control': 'max-age=60', 'cache-tag': 'new' } })
        : fresh('hello', { etag: '"1"', 'cache-tag': 'old' }),
    )
    await get()
    await clock.advance(61_000)
    expect((await get()).answer.headers.has('cache-tag')).toBe(false)
    expect((await get()).answer.headers.has('cache-tag')).toBe(false)
    expect([...store.entries.values()].flat()[0]?.meta.tags).toEqual(['new'])
  })

  test('a function of the options that gives a promise stops the request, not the rule', async () => {
    const { get, asked } = scene(() => fresh(), { bypass: (async () => false) as never })
    expect(await get()).toMatchObject({ status: 500 })
    expect(asked).toHaveLength(0)
  })

  test('upgrades pass untouched', async () => {
    const { handler } = scene(() => ({ status: 101, headers: new HeaderList(), body: null, upgrade() {} }))
    const answer = await call(handler, { url: '/', kind: 'upgrade' })
    expect([answer.status, answer.headers.raw]).toEqual([101, []])
    expect(answer.upgrade).toBeDefined()
  })

  test('what no longer matters in a query is learned from replies', async () => {
    const { get, asked } = scene(() => fresh('x', { 'no-vary-search': 'params=("utm")' }), { noVarySearch: true })
    await get('/a?utm=1')
    expect((await get('/a?utm=2')).said).toBe('hit; ttl=60')
    await get('/a?page=2')
    expect(asked).toHaveLength(2)
  })
})

describe('writes', () => {
  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'MKCOL'])('%s makes what is stored invalid', async (method) => {
    const { get, asked } = scene((ctx, n) => (ctx.request.method === 'GET' ? fresh(`body ${n}`) : text('done')))
    await get('/a')
    expect((await get({ method, url: '/a' })).said).toBe('fwd=method; fwd-status=200')
    expect((await get('/a')).body).toBe('body 3')
    expect(asked).toHaveLength(3)
  })

  test('also where it says that something else has changed, on this origin alone', async () => {
    const { get } = scene((ctx, n) =>
      ctx.request.method === 'GET'
        ? fresh(`body ${n}`)
        : text('done', { headers: { location: '/b', 'content-location': 'http://other.example/c' } }),
    )
    await get('http://a.example/b')
    await get('http://other.example/c')
    await get({ method: 'POST', url: 'http://a.example/a' })
    expect((await get('http://a.example/b')).body).toBe('body 4')
    expect((await get('http://other.example/c')).body).toBe('body 2')
  })

  test('not when they fail', async () => {
    const { get } = scene((ctx) => (ctx.request.method === 'GET' ? fresh() : text('no', 500)))
    await get('/a')
    await get('POST /a')
    expect((await get('/a')).said).toBe('hit; ttl=60')
  })

  test('keep what was asked before them from being stored', async () => {
    const gate = closedGate()
    const { get, store } = scene(async (ctx, n) => {
      if (n === 1) await gate.passed
      return ctx.request.method === 'GET' ? fresh(`body ${n}`) : text('done')
    })
    const slow = get('/a')
    await get('POST /a')
    gate.open()
    expect((await slow).body).toBe('body 1')
    expect(store.urls).toEqual([])
    expect((await get('/a')).body).toBe('body 3')
  })
})

describe('variants', () => {
  test('are told apart by what they vary by', async () => {
    const { get, asked } = scene((ctx) => fresh(ctx.request.headers.get('accept-language') ?? '', { vary: 'accept-language' }))
    const asking = (language: string) => get({ url: '/', headers: { 'accept-language': language } })
    for (const language of ['de', 'en', 'de', 'en']) expect((await asking(language)).body).toBe(language)
    expect(asked).toHaveLength(2)
  })

  test('are no more than may be: the oldest goes', async () => {
    const { get, store, asked, clock } = scene((ctx) => fresh(ctx.request.headers.get('x') ?? '', { vary: 'x' }), {
      maxVariants: 4,
    })
    const asking = (x: number) => get({ url: '/', headers: { x: String(x) } })
    for (let x = 0; x < 50; x++) {
      await asking(x)
      await clock.advance(1)
    }
    expect([...store.entries.values()].flat()).toHaveLength(4)
    for (const x of [46, 47, 48, 49]) expect((await asking(x)).said).toMatch(/^hit/)
    expect(asked).toHaveLength(50)
  })
})

describe('partitions', () => {
  const principal = (subject: string, scopes: string[] = []) => ({ subject, scheme: 'bearer', scopes: new Set(scopes) })
  const parted = () => {
    const store = new PlainStore()
    let asked = 0
    const layer = cache({ per: 'principal', store })
    const next = (ctx: Context) => (ctx.request.method === 'GET' ? fresh(`body ${++asked}`) : text('done'))
    const get = (who: ReturnType<typeof principal>, method = 'GET') =>
      seen(exchange({ method, url: '/', headers: { authorization: 'Bearer x' } }, { state: { principal: who } }).ask(layer, next))
    return { get, store, layer }
  }

  test('give a reply to nobody but the one that it is for', async () => {
    const { get } = parted()
    expect((await get(principal('ada'))).body).toBe('body 1')
    expect((await get(principal('bob'))).body).toBe('body 2')
    expect((await get(principal('ada'))).body).toBe('body 1')
    expect((await get(principal('ada', ['admin']))).body).toBe('body 3')
  })

  test('are all made invalid by a write, and by a purge of the key', async () => {
    const { get, layer } = parted()
    await get(principal('ada'))
    await get(principal('bob'))
    await get(principal('ada'), 'POST')
    expect((await get(principal('bob'))).body).toBe('body 3')
    expect(await layer.purge({ key: 'http://localhost/' })).toBe(1)
    expect((await get(principal('bob'))).body).toBe('body 4')
  })

  test.each([undefined, '', 7, Promise.resolve('a')])('are never made of %s: that would be everybody', async (who) => {
    const layer = cache({ per: () => who as never, store: new PlainStore() })
    expect(await seen(exchange('/').ask(layer, () => fresh()))).toMatchObject({ status: 500 })
  })

  test('are made by a function, too', async () => {
    const layer = cache<{ tenant: string }>({ per: (ctx) => ctx.state.tenant, store: new PlainStore() })
    let asked = 0
    const get = (tenant: string) => seen(exchange('/', { state: { tenant } }).ask(layer, () => fresh(`body ${++asked}`)))
    expect([(await get('a')).body, (await get('b')).body, (await get('a')).body]).toEqual(['body 1', 'body 2', 'body 1'])
  })
})

describe('what happens is told', () => {
  test('by events and by counts', async () => {
    const told: unknown[] = []
    const undo = subscribe('cache:answered', ({ result, detail, bytes }) => told.push([result, detail, bytes]))
    const { get, layer } = scene((ctx) => (ctx.request.url.path === '/a' ? fresh() : fresh('x', { 'cache-control': 'no-store' })))
    await get('/a')
    await get('/a')
    await get('/b')
    await get('POST /c')
    undo()
    expect(told).toEqual([
      ['miss', undefined, undefined],
      ['hit', undefined, 5],
      ['miss', 'no-store', 1],
      ['bypass', 'method', undefined],
    ])
    expect(layer.stats()).toMatchObject({ hits: 1, misses: 2, bypassed: 1, stored: 1, storeFailures: 0, inFlight: 0 })
  })

  test('in Cache-Status of errors too', async () => {
    const { get } = scene(() => {
      throw new GatewayError('NO_ENDPOINT')
    })
    expect(await get()).toMatchObject({ status: 503, said: 'fwd=uri-miss' })
  })
})

describe('No-Vary-Search', () => {
  test('a change is known under each key that a URL has had', async () => {
    let rule: Record<string, string> = {}
    const { get } = scene((ctx, n) => (ctx.request.method === 'POST' ? empty() : fresh(`body ${n}`, rule)), {
      noVarySearch: true,
    })
    await get('/p?a=1')
    rule = { 'no-vary-search': 'params' }
    await get('/p?a=2')
    await get('POST /p?a=1')
    rule = {}
    // Its rule is gone with this one.
    await get('/p?a=3')
    expect((await get('/p?a=1')).body).toBe('body 5')
  })

  test.each([
    ['', {}],
    [' of each principal', { per: () => 'ada' }],
  ])('a purge by URL finds what is stored%s under the key that a reply has made', async (_, options) => {
    const { get, layer, asked } = scene(() => fresh('x', { 'no-vary-search': 'params=("utm")' }), {
      noVarySearch: true,
      ...options,
    })
    for (const path of ['/a?utm=1&page=2', '/a?utm=2&page=2']) {
      await get(path)
      expect(await layer.purge({ key: 'http://localhost/a?utm=3&page=2' })).toBe(1)
    }
    expect(asked).toHaveLength(2)
  })
})

describe('a clock that is set back', () => {
  test('makes nothing live longer: how much time has passed nobody knows', async () => {
    const { get, clock } = scene((_, n) => fresh(`body ${n}`))
    await get('/a')
    const start = clock.date()
    clock.setDate(start - 3_600_000)
    const { body, said } = await get('/a')
    expect([body, said]).toEqual(['body 2', 'fwd=stale; fwd-status=200; stored'])
    // What came since then counts as usual.
    expect((await get('/a')).said).toBe('hit; ttl=60')
  })

  test('by a little, as clocks of two machines differ, does no harm', async () => {
    const { get, clock } = scene((_, n) => fresh(`body ${n}`))
    await get('/a')
    clock.setDate(clock.date() - 2_000)
    expect((await get('/a')).said).toBe('hit; ttl=58')
  })
})
