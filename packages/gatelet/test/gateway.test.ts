import { wantsStrictPaths } from '@gatelet/core'
import { call, calls, origins } from '@gatelet/testing'
import { chain, createGateway, json, type Middleware, proxy, text } from 'gatelet'
import { expect, test } from 'vitest'

const said =
  (what: string): Middleware =>
  async (ctx, next) => {
    const reply = await next(ctx)
    reply.headers.append('x-way', what)
    return reply
  }

test('sends each request to the upstream of its route', async () => {
  await using farm = await origins(3)
  const [a = '', b = '', c = ''] = farm.urls
  const gateway = createGateway({
    upstreams: { users: { endpoints: [a, b] }, orders: { endpoints: [c] } },
    routes: [
      { path: '/users/*', to: 'users' },
      { path: '/orders/:id', method: ['GET', 'DELETE'], to: 'orders' },
    ],
  })
  const users = await Promise.all(
    (await calls(gateway, 20, '/users/7?x=1')).map((reply) => reply.json<{ id: number; url: string }>()),
  )
  expect(new Set(users.map(({ id }) => id))).toEqual(new Set([0, 1]))
  expect(users[0]?.url).toBe('/users/7?x=1')
  expect(await (await call(gateway, '/orders/1')).json()).toMatchObject({ id: 2 })
  expect((await call(gateway, 'POST /orders/1')).status).toBe(405)
  expect((await call(gateway, '/nowhere')).status).toBe(404)
  await gateway.close()
})

test('a request meets the layers of the gateway, then those of its route', async () => {
  const gateway = createGateway({
    upstreams: {},
    use: [said('1'), said('2')],
    routes: [{ path: '/a', to: () => text('a'), use: [said('3'), chain().use(said('4')).use(said('5'))] }],
  })
  expect((await call(gateway, '/a')).headers.getAll('x-way')).toEqual(['5', '4', '3', '2', '1'])
  expect((await call(gateway, '/b')).headers.getAll('x-way')).toEqual(['2', '1'])
})

test('a handler and the layers of a route find what the path captured', async () => {
  const gateway = createGateway({
    upstreams: {},
    routes: [
      {
        path: '/teams/:team/*rest',
        use: [(ctx, next) => (ctx.state.params['team'] === 'no' ? text('no', 403) : next(ctx))],
        to: (ctx) => json({ ...ctx.state.params, route: ctx.state.route }),
      },
    ],
  })
  expect(await (await call(gateway, '/teams/a/b/c')).json()).toEqual({ team: 'a', rest: 'b/c', route: '/teams/:team/*rest' })
  expect((await call(gateway, '/teams/no/b')).status).toBe(403)
})

test('routes are held to rules, conditions and tenants as those of a router', async () => {
  const says = (words: string) => () => text(words)
  const gateway = createGateway({
    upstreams: {},
    trailingSlash: 'ignore',
    tenant: (ctx) => ctx.request.headers.get('x-tenant'),
    routes: [
      { path: '/bills/:id', where: { id: 'int' }, to: (ctx) => json(ctx.state.params) },
      { path: '/bills/:name', to: says('by name') },
      { path: '/a', headers: { 'x-api': ['2', '3'] }, to: says('new') },
      { path: '/a', query: { api: /v[23]/ }, to: says('new by query') },
      { path: '/a', host: ['a.test', '*.b.test'], to: says('of hosts') },
      { path: '/a', tenant: ['acme', 'globex'], to: says('of tenants') },
      { path: '/a', to: says('of all') },
    ],
  })
  const asked = async (url: string, headers: Record<string, string> = {}) => (await call(gateway, { url, headers })).text()
  expect(await asked('/bills/7')).toBe('{"id":"7"}')
  expect(await asked('/bills/07')).toBe('by name')
  expect(await asked('/a/')).toBe('of all')
  expect(await asked('/a', { 'x-api': '3' })).toBe('new')
  expect(await asked('/a?api=v2')).toBe('new by query')
  expect(await asked('http://x.b.test/a')).toBe('of hosts')
  expect(await asked('/a', { 'x-tenant': 'globex' })).toBe('of tenants')
})

test('a route may lead to a proxy of your own', async () => {
  await using farm = await origins(1)
  const to = proxy(farm.urls[0] ?? '')
  const gateway = createGateway({ upstreams: {}, routes: [{ path: '/*', host: 'a.example', to }] })
  expect((await call(gateway, 'http://a.example/x')).status).toBe(200)
  expect((await call(gateway, 'http://b.example/x')).status).toBe(404)
  await to.close()
})

test('asks an upstream as its proxy options say', async () => {
  await using farm = await origins(1)
  const gateway = createGateway({
    upstreams: { users: { endpoints: farm.urls, proxy: { host: 'users.internal', via: 'edge' } } },
    routes: [{ path: '/*', to: 'users' }],
  })
  const { headers } = await (await call(gateway, '/')).json<{ headers: Record<string, string> }>()
  expect(headers).toMatchObject({ host: 'users.internal', via: '1.1 edge' })
  await gateway.close()
})

test('endpoints come and go while the gateway works', async () => {
  await using farm = await origins(2)
  const [a = '', b = ''] = farm.urls
  const gateway = createGateway({ upstreams: { users: { endpoints: [a] } }, routes: [{ path: '/*', to: 'users' }] })
  gateway.upstreams.users.add(b)
  expect(await gateway.upstreams.users.remove(a)).toBe(true)
  await calls(gateway, 5)
  expect(farm.servers.map(({ hits }) => hits)).toEqual([0, 5])
  expect(gateway.upstreams.users.endpoints.map(({ id }) => id)).toEqual([b])
  await gateway.close()
})

test('nothing is asked once it is closed', async () => {
  await using farm = await origins(1)
  const gateway = createGateway({ upstreams: { users: { endpoints: farm.urls } }, routes: [{ path: '/*', to: 'users' }] })
  expect(gateway.close()).toBe(gateway.close())
  await gateway.close()
  expect((await call(gateway)).status).toBe(503)
  expect(farm.hits).toBe(0)
})

test('an upstream may have any name', async () => {
  const gateway = createGateway<string>({ upstreams: {}, routes: [] })
  expect(gateway.upstreams['constructor']).toBeUndefined()
  expect(() => createGateway<string>({ upstreams: {}, routes: [{ path: '/', to: 'constructor' }] })).toThrow(
    'routes[0].to must be',
  )
})

test('wants strict paths wherever it stands, since its layers and routes may be others later', () => {
  expect(wantsStrictPaths(createGateway({ upstreams: {}, routes: [] }))).toBe(true)
})
