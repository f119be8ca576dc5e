import { GatewayError, publish, sourceOf } from '@gatelet/core'
import type { CachesView, EndpointsView, ErrorsView, LimitsView, OverviewView, RoutesView, TailRow } from '@gatelet/dashboard'
import { createRouter } from '@gatelet/router'
import { call, exchange, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { scene } from './scene.ts'

/** A request of a client from its start to its end. */
function request(url: string, status = 200, route?: string): void {
  const { ctx, finish } = exchange(url)
  if (route !== undefined) publish('request:routed', { context: ctx, route })
  finish('finished', status)
}

describe('the overview', () => {
  test('counts requests, failures and percentiles by the second, and not those for itself', async () => {
    const clock = virtualClock()
    const { read, page } = scene({ clock })
    for (let asked = 0; asked < 9; asked++) request('/users/7')
    request('/users/8', 503)
    await clock.advance(1_000)
    await read('overview')
    const seen = await (await read('overview')).json<OverviewView>()
    expect(seen).toMatchObject({ total: 10, failed: 1, aborted: 0, inFlight: 0, failedShare: 0.1 })
    expect(seen.points).toHaveLength(1)
    expect(seen.points[0]).toMatchObject({ perSecond: 10, failedShare: 0.1 })
    expect(seen.p99).toBeLessThan(100)
    page.close()
  })

  test('tells only the points after the last one that is known, and keeps five minutes', async () => {
    const clock = virtualClock()
    const { read, page } = scene({ clock })
    for (let second = 0; second < 310; second++) await clock.advance(1_000)
    const all = await (await read('overview')).json<OverviewView>()
    expect(all.points).toHaveLength(300)
    const later = await (await read(`overview?since=${all.points.at(-3)?.at}`)).json<OverviewView>()
    expect(later.points).toEqual(all.points.slice(-2))
    page.close()
  })

  test('leaves nothing behind when it is closed', async () => {
    const clock = virtualClock()
    const { page, read } = scene({ clock })
    expect(clock.pending).toBe(1)
    page.close()
    expect(clock.pending).toBe(0)
    request('/users/7')
    expect(await (await read('overview')).json()).toMatchObject({ total: 0 })
  })
})

describe('endpoints', () => {
  test('tell their state, and what attempts at them came to', async () => {
    const a = { id: 'a', weight: 1, inflight: 0, metadata: {}, state: 'ejected', reason: 'Bearer abcdef failed', limit: Infinity }
    const { read, page } = scene({ balancers: () => ({ users: { endpoints: [a] } }) })
    const { ctx } = exchange('/')
    publish('upstream:attempted', { context: ctx, endpoint: a, attempt: 0, outcome: { kind: 'failure', latencyMs: 9 } })
    publish('upstream:attempted', { context: ctx, endpoint: a, attempt: 1, outcome: { kind: 'success', latencyMs: 100 } })
    publish('upstream:attempted', { context: ctx, endpoint: a, attempt: 1, outcome: { kind: 'cancelled', latencyMs: 1 } })
    publish('endpoint:changed', { endpoint: a, change: 'ejected', reason: 'three in a row', balancer: 'users' })
    const { endpoints, changes } = await (await read('endpoints')).json<EndpointsView>()
    expect(endpoints).toEqual([
      expect.objectContaining({ balancer: 'users', id: 'a', state: 'ejected', reason: 'Bearer … failed', canChange: false }),
    ])
    expect(endpoints[0]).toMatchObject({ attempts: 2, failures: 1, retries: 1, failedShare: 0.5, since: expect.any(Number) })
    expect(endpoints[0]?.p99).toBeGreaterThan(95)
    expect(endpoints[0]?.p99).toBeLessThan(105)
    expect(endpoints[0]).not.toHaveProperty('limit')
    expect(changes[0]).toMatchObject({ endpoint: 'a', change: 'ejected', reason: 'three in a row', balancer: 'users' })
    page.close()
  })

  test('that fail in the background are told once, with the route of the request that they were asked for', async () => {
    const { read, page } = scene()
    const endpoint = { id: 'a', weight: 1, inflight: 0, metadata: {} }
    const failed = { endpoint, attempt: 0, outcome: { kind: 'failure', latencyMs: 9, status: 502 } as const }
    const error = new GatewayError('UPSTREAM_RESET')
    for (const result of ['miss', 'stale'] as const) {
      const { ctx, finish, background } = exchange('/users/7')
      publish('request:routed', { context: ctx, route: `/${result}` })
      publish('cache:answered', { context: ctx, cache: 'pages', result, isCollapsed: false })
      ctx.background(async (context) => publish('upstream:attempted', { context, error, ...failed }))
      await Promise.all(background)
      expect(await (await read('overview')).json()).toMatchObject({ inFlight: 1 })
      finish('finished', result === 'miss' ? 502 : 200)
    }
    const { errors } = await (await read('errors')).json<ErrorsView>()
    expect(errors.map(({ kind, code, route }) => [kind, code, route])).toEqual([
      ['attempt', 'UPSTREAM_RESET', '/stale'],
      ['attempt', 'UPSTREAM_RESET', '/miss'],
    ])
    expect(await (await read('overview')).json()).toMatchObject({ total: 2, failed: 1, inFlight: 0 })
    page.close()
  })

  test('get their weight back after a drain, and another one', async () => {
    const { change, weights } = scene()
    const ask = (what: object) => change('endpoints/change', { balancer: 'users', id: 'a', ...what })
    await ask({ action: 'drain' })
    expect(await (await ask({ action: 'ready' })).json()).toEqual({ id: 'a', state: 'active', weight: 3 })
    await ask({ action: 'weight', weight: 0.5 })
    expect(weights).toEqual([
      ['a', 3],
      ['a', 0.5],
    ])
  })

  test.each<[object, number]>([
    [{ balancer: 'users', id: 'nobody', action: 'drain' }, 404],
    [{ balancer: 'constructor', id: 'a', action: 'drain' }, 404],
    [{ balancer: 'users', id: 'a', action: 'explode' }, 400],
    [{ balancer: 'users', id: 'a', action: 'weight' }, 400],
    [{ balancer: 'users', id: 'a', action: 'weight', weight: -1 }, 400],
    [{ balancer: 'users', id: 'a', action: 'weight', weight: 1e9 }, 400],
    [{ balancer: 'users', action: 'drain' }, 400],
    [[], 400],
    [{ balancer: 'u'.repeat(20_000), id: 'a', action: 'drain' }, 413],
  ])('%j is refused', async (what, status) => {
    const { change, weights, drained } = scene()
    expect((await change('endpoints/change', what)).status).toBe(status)
    expect([...weights, ...drained]).toEqual([])
  })
})

describe('routes', () => {
  test('tell their hits by status, and those beyond the bound together', async () => {
    const { read, page } = scene({ maxRoutes: 2 })
    request('/users/7', 200, '/users/:id')
    request('/users/8', 404, '/users/:id')
    request('/x', 200, '/x')
    for (const path of ['/y', '/z']) request(path, 500, path)
    const { routes } = await (await read('routes')).json<RoutesView>()
    const short = routes.map(({ route, hits, byStatus }) => ({ route, hits, byStatus }))
    expect(short).toEqual([
      { route: '/users/:id', hits: 2, byStatus: { '2xx': 1, '4xx': 1 } },
      { route: '(other)', hits: 2, byStatus: { '5xx': 2 } },
      { route: '/x', hits: 1, byStatus: { '2xx': 1 } },
    ])
    page.close()
  })

  test('are explained without a request', async () => {
    const main = createRouter().get('/users/:id', () => {
      throw new Error('nobody asks')
    })
    const { read } = scene({ routers: { main } })
    const seen = await (await read(`explain?method=post&url=${encodeURIComponent('/users/7?a=1')}`)).json()
    expect(seen).toMatchObject({
      explanations: [{ router: 'main', found: 'wrong-method', candidates: [{ lost: { on: 'method' } }] }],
    })
    for (const url of ['', 'users', 'ftp://x/', '/a%zz', 'http://a b/', '/a\u0000'])
      expect((await read(`explain?url=${encodeURIComponent(url)}`)).status).toBe(400)
    expect((await read('explain?method=G%20T&url=/')).status).toBe(400)
  })
})

describe('limits, caches and auth', () => {
  test('are counted by policy, by cache and by reason', async () => {
    const { read, page } = scene()
    const { ctx: context } = exchange('/')
    const decided = (allowed: boolean, isShadow = false) =>
      publish('rate:decided', {
        context,
        verdict: { allowed, source: 'local', policies: [{ name: 'burst', remaining: 0, allowed }] },
        isShadow,
      })
    decided(true)
    decided(false)
    decided(false, true)
    publish('rate:banned', { key: '10.0.0.7', forMs: 60_000 })
    for (const result of ['hit', 'hit', 'miss'] as const)
      publish('cache:answered', { context, cache: 'pages', result, isCollapsed: false })
    publish('cache:stored', { cache: 'pages', url: 'http://a/', bytes: 1 })
    publish('auth:decided', { context, outcome: 'refused', reason: 'expired', scheme: 'Bearer', subject: 'ada' })
    expect(await (await read('limits')).json<LimitsView>()).toMatchObject({
      allowed: 2,
      refused: 1,
      byProcess: 3,
      policies: [{ name: 'burst', allowed: 1, refused: 1, shadow: 1 }],
      bans: [{ key: '10.0.0.7' }],
    })
    expect(await (await read('caches')).json<CachesView>()).toMatchObject({
      caches: [{ name: 'pages', hit: 2, miss: 1, stored: 1 }],
    })
    const auth = await (await read('auth')).text()
    expect(JSON.parse(auth)).toEqual({ decisions: [{ outcome: 'refused', reason: 'expired', scheme: 'Bearer', count: 1 }] })
    page.close()
  })

  test.each<[object, unknown]>([
    [
      { what: 'url', value: '/users/7' },
      [{ key: 'http://gateway.example/users/7' }, { prefix: 'http://gateway.example/users/7 ' }],
    ],
    [
      { what: 'url', value: 'https://SHOP.example:443/a/../b?q=1' },
      [{ key: 'https://shop.example/b?q=1' }, { prefix: 'https://shop.example/b?q=1 ' }],
    ],
    [{ what: 'prefix', value: '/users/' }, [{ prefix: 'http://gateway.example/users/' }]],
    [{ what: 'tag', value: 'user-7' }, [{ tag: 'user-7' }]],
    [{ what: 'all' }, [{ all: true }]],
  ])('%j is purged', async (what, purgedThen) => {
    const { change, purged } = scene()
    const reply = await change('caches/purge', { cache: 'pages', ...what })
    expect(await reply.json()).toEqual({ purged: purged.length })
    expect(purged).toEqual(purgedThen)
  })

  test.each<[object, number]>([
    [{ cache: 'nobody', what: 'all' }, 404],
    [{ cache: 'pages', what: 'some' }, 400],
    [{ cache: 'pages', what: 'prefix', value: '' }, 400],
    [{ cache: 'pages', what: 'url', value: 'users' }, 400],
    [{ cache: 'pages', what: 'url', value: '/a%zz' }, 400],
    [{ cache: 'pages', what: 'all', soft: 'yes' }, 400],
  ])('%j is refused', async (what, status) => {
    const { change, purged } = scene()
    expect((await change('caches/purge', what)).status).toBe(status)
    expect(purged).toEqual([])
  })
})

describe('errors', () => {
  test('are one row for the same one at the same place, without secrets, the newest first', async () => {
    const { read, page } = scene({ maxErrors: 2 })
    const failed = (error: unknown) => publish('request:failed', { context: exchange('/users/7?token=abc').ctx, error })
    failed(new GatewayError('UPSTREAM_HEADERS_TIMEOUT'))
    failed(new Error('no answer of http://ada:secret@10.0.0.1/x?key=1'))
    failed(new Error('no answer of http://ada:secret@10.0.0.1/x?key=1'))
    failed(new GatewayError('UNAUTHENTICATED'))
    failed(new GatewayError('NO_ENDPOINT'))
    failed(null)
    const { errors } = await (await read('errors')).json<ErrorsView>()
    expect(errors.map(({ code, times }) => [code, times])).toEqual([
      ['unknown', 1],
      ['NO_ENDPOINT', 1],
    ])
    failed(new Error('no answer of http://ada:secret@10.0.0.1/x?key=1'))
    const [first] = (await (await read('errors')).json<ErrorsView>()).errors
    expect(first).toMatchObject({
      code: 'Error',
      message: 'no answer of http://…@10.0.0.1/x?…',
      path: '/users/7',
      kind: 'request',
    })
    page.close()
  })
})

describe('the live tail', () => {
  test('tells requests as they end, without their queries, and how many more there were', async () => {
    const clock = virtualClock()
    const { read, page } = scene({ clock })
    const reply = await read('tail')
    let text = ''
    const write = (chunk: Uint8Array) => {
      text += Buffer.from(chunk).toString()
      return true
    }
    sourceOf(reply.body).pipeTo({ write, end() {}, fail() {} })
    await clock.advance(1)
    for (let asked = 0; asked < 40; asked++) request(`/users/${asked}?token=secret`)
    await clock.advance(250)
    const [, json = ''] = /event: rows\ndata: ?(.*)\n/.exec(text) ?? []
    const batch = JSON.parse(json) as { rows: TailRow[]; skipped: number }
    expect(batch.skipped).toBe(15)
    expect(batch.rows).toHaveLength(25)
    expect(batch.rows[0]).toMatchObject({
      method: 'GET',
      path: '/users/0',
      status: 200,
      outcome: 'finished',
      client: '127.0.0.1',
    })
    expect(text).not.toContain('secret')
    reply.exchange.abort()
    page.close()
    expect(clock.pending).toBe(0)
  })

  test('drops a reader that leaves too much unread', async () => {
    const clock = virtualClock()
    const { read, page } = scene({ clock, maxReaders: 1 })
    const reply = await read('tail')
    const failed = new Promise<Error>((fail) => {
      // Takes nothing.
      sourceOf(reply.body).pipeTo({ write: () => false, end() {}, fail })
    })
    for (let round = 0; round < 100; round++) {
      for (let asked = 0; asked < 25; asked++) request(`/users/${asked}`)
      await clock.advance(250)
    }
    expect(await failed).toMatchObject({ code: 'OVERLOADED' })
    expect((await read('tail')).status).toBe(200)
    page.close()
  })

  test('is not for more readers than it is made for', async () => {
    const { read, page } = scene({ maxReaders: 1 })
    const first = await read('tail')
    sourceOf(first.body).pipeTo({ write: () => true, end() {}, fail() {} })
    expect((await read('tail')).status).toBe(503)
    first.exchange.abort()
    expect((await read('tail')).status).toBe(200)
    page.close()
  })
})

test('whatever clients make up, what is kept has its bounds', async () => {
  const { read, page } = scene({ maxRoutes: 10, maxErrors: 10 })
  for (let at = 0; at < 1_000; at++) {
    const { ctx: context, finish } = exchange(`/${at}`)
    const policies = [{ name: `p${at}`, remaining: 0, allowed: false }]
    publish('request:routed', { context, route: `/r${at}` })
    publish('rate:decided', { context, verdict: { allowed: false, source: 'store', policies }, isShadow: false })
    publish('rate:banned', { key: `k${at}`, forMs: 60_000 })
    publish('auth:decided', { context, outcome: 'refused', reason: `r${at}`, scheme: undefined, subject: undefined })
    publish('cache:answered', { context, cache: `c${at}`, result: 'miss', isCollapsed: false })
    publish('endpoint:changed', { endpoint: { id: `e${at}`, weight: 1, inflight: 0, metadata: {} }, change: 'added' })
    publish('request:failed', { context, error: Object.assign(new Error('no'), { code: `E${at}` }) })
    finish('finished', 500)
  }
  const size = async (place: string, list: string) => (await (await read(place)).json<Record<string, unknown[]>>())[list]?.length
  expect(await size('routes', 'routes')).toBe(11)
  expect(await size('errors', 'errors')).toBe(10)
  expect(await size('limits', 'policies')).toBe(101)
  expect(await size('limits', 'bans')).toBe(50)
  expect(await size('caches', 'caches')).toBe(51)
  expect(await size('auth', 'decisions')).toBe(201)
  expect(await size('endpoints', 'changes')).toBe(50)
  page.close()
})

test('a WebSocket counts, and its length is not the time of an answer', async () => {
  const clock = virtualClock()
  const { read, page } = scene({ clock })
  request('/chat', 101, '/chat')
  const seen = await (await read('overview')).json<OverviewView>()
  expect(seen.total).toBe(1)
  expect(seen.p50).toBeUndefined()
  page.close()
})

test('a HEAD is a GET without a body', async () => {
  const { page } = scene()
  expect((await call(page, 'HEAD /api/v1/overview')).status).toBe(200)
})
