import { subscribe, systemClock } from '@gatelet/core'
import { call, calls, origins, virtualClock } from '@gatelet/testing'
import { createGateway, GatewayError, type GatewayOptions, type Layer, type Middleware, text } from 'gatelet'
import { expect, test } from 'vitest'

const toUsers = [{ path: '/*', to: 'users' }]

/** A layer that holds requests until it is opened. */
function gate(): { layer: Layer; open(): void; entered: Promise<void> } {
  let open = () => {}
  let enter = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const entered = new Promise<void>((resolve) => {
    enter = resolve
  })
  const layer: Layer = async (ctx, next) => {
    enter()
    await opened
    return next(ctx)
  }
  return { layer, open, entered }
}

test('says what has become different', async () => {
  const options = {
    upstreams: { a: { endpoints: ['http://10.0.0.1'] }, b: { endpoints: [] }, c: { endpoints: [], strategy: 'random' as const } },
    routes: [{ path: '/a', to: 'a' }],
  }
  const gateway = createGateway<string>(options)
  expect(await gateway.replace({ ...structuredClone(options), use: [] })).toEqual({ changed: [] })
  const { a, b } = options.upstreams
  const use: Middleware[] = [(ctx, next) => next(ctx)]
  const next = { upstreams: { a: { ...a, drainMs: 1 }, b, d: { endpoints: [] } }, routes: [{ path: '/', to: 'd' }], use }
  expect(await gateway.replace(next)).toEqual({ changed: ['upstreams.a', 'upstreams.c', 'upstreams.d', 'routes', 'use'] })
  expect(Object.keys(gateway.upstreams)).toEqual(['a', 'b', 'd'])
})

test('explains a request by the routes that there are now, without sending it', async () => {
  const gateway = createGateway<string>({ upstreams: { users: { endpoints: [] } }, routes: [{ path: '/users/*', to: 'users' }] })
  const ask = () => gateway.explain({ method: 'GET', url: { host: 'a.test', path: '/users/7', search: '' } })
  expect(ask()).toMatchObject({ found: 'hit', route: expect.stringContaining('/users/') })
  await gateway.replace({ upstreams: {}, routes: [{ path: '/livez', to: () => text('alive') }] })
  expect(ask()).toMatchObject({ found: 'miss', candidates: [{ lost: { on: 'path' } }] })
})

test('sees a change that was made in the options that it was given', async () => {
  await using farm = await origins(2)
  const [a = '', b = ''] = farm.urls
  const method = ['GET']
  const endpoints = [{ url: new URL(a), metadata: { zone: 'x' } }]
  const options: GatewayOptions = { upstreams: { users: { endpoints } }, routes: [{ path: '/*', method, to: 'users' }] }
  const gateway = createGateway(options)
  endpoints.push({ url: new URL(b), metadata: { zone: 'y' } })
  expect(await gateway.replace(options)).toEqual({ changed: ['upstreams.users'] })
  expect(gateway.upstreams['users']?.endpoints.length).toBe(2)
  method.push('POST')
  expect(await gateway.replace(options)).toEqual({ changed: ['routes'] })
  expect((await call(gateway, 'POST /')).status).toBe(200)
  await gateway.close()
})

test('keeps everything when one option is wrong', async () => {
  await using farm = await origins(2)
  const [a = '', b = ''] = farm.urls
  const gateway = createGateway<string>({ upstreams: { users: { endpoints: [a] } }, routes: toUsers })
  const wrong = [
    { upstreams: { users: { endpoints: [b] }, orders: { endpoints: ['ftp://x'] } }, routes: toUsers },
    { upstreams: { users: { endpoints: [b] } }, routes: [{ path: '/', to: 'orders' }] },
    { upstreams: { users: { endpoints: [b] } }, routes: [...toUsers, ...toUsers] },
    { upstreams: { users: { endpoints: [b], proxy: { retries: -1 } } }, routes: toUsers },
  ]
  for (const options of wrong) await expect(gateway.replace(options)).rejects.toMatchObject({ code: 'BAD_OPTION' })
  expect(gateway.upstreams['users']?.endpoints.map(({ id }) => id)).toEqual([a])
  await calls(gateway, 4)
  expect(farm.servers.map(({ hits }) => hits)).toEqual([4, 0])
  await gateway.close()
})

test('leaves nothing behind of what was made before the certificate that cannot be read', async () => {
  const clock = virtualClock()
  const health = { type: 'call' as const, check: () => true, intervalMs: 1_000 }
  const checked = { endpoints: [{ id: 'a', handler: () => text('a') }], health, clock }
  const secret = { ...checked, proxy: { tls: { ca: '/nowhere/ca.pem' } } }
  const gateway = createGateway<string>({ upstreams: { users: { endpoints: [] } }, routes: toUsers })
  const changed = { upstreams: { orders: checked, users: secret }, routes: toUsers }
  await expect(gateway.replace(changed)).rejects.toMatchObject({
    path: 'upstreams.users.proxy.tls.ca',
    message: expect.stringContaining('gateway.replace: upstreams.users.proxy.tls.ca cannot be read (ENOENT'),
  })
  await expect.poll(() => clock.pending).toBe(0)
  await gateway.close()
})

test('tells nobody of endpoints when one option is wrong', async () => {
  const gateway = createGateway<string>({ upstreams: { users: { endpoints: ['http://10.0.0.1'] } }, routes: toUsers })
  const told: string[] = []
  const stop = subscribe('endpoint:changed', ({ endpoint, change }) => told.push(`${endpoint.id} ${change}`))
  const upstreams = { users: { endpoints: ['http://10.0.0.1', 'http://10.0.0.2'] }, orders: { endpoints: ['http://10.0.0.3'] } }
  await expect(gateway.replace({ upstreams, routes: [{ path: 'x', to: 'users' }] })).rejects.toThrow(GatewayError)
  expect(told).toEqual([])
  await gateway.replace({ upstreams, routes: toUsers })
  expect(told).toEqual(['http://10.0.0.3 added', 'http://10.0.0.2 added'])
  stop()
})

test('sees that endpoints are the same, however they are written', async () => {
  const upstreams = { users: { endpoints: ['http://10.0.0.1', new URL('http://10.0.0.2/v1')] } }
  const gateway = createGateway<string>({ upstreams, routes: [] })
  const same = { users: { endpoints: [{ url: 'http://10.0.0.1/', weight: 1 }, 'http://10.0.0.2:80/v1'] } }
  expect(await gateway.replace({ upstreams: same, routes: [] })).toEqual({ changed: [] })
})

test('names the field that is wrong', async () => {
  const gateway = createGateway<string>({ upstreams: {}, routes: [] })
  const options = { upstreams: { users: { endpoints: [] } }, routes: [{ path: '/', to: 'usres' }] }
  await expect(gateway.replace(options)).rejects.toMatchObject({
    path: 'routes[0].to',
    message: 'gateway.replace: routes[0].to must be the name of an upstream: users (got "usres")',
  })
})

test('an upstream that stays keeps its endpoints and what it knows of them', async () => {
  const gateway = createGateway<string>({ upstreams: { users: { endpoints: ['http://10.0.0.1'] } }, routes: toUsers })
  const { users } = gateway.upstreams
  users?.add('http://10.0.0.2')
  users?.setWeight('http://10.0.0.1', 0)
  await gateway.replace({ upstreams: { users: { endpoints: ['http://10.0.0.1'] } }, routes: [{ path: '/users/*', to: 'users' }] })
  expect(gateway.upstreams['users']).toBe(users)
  expect(users?.endpoints.map(({ id, weight }) => [id, weight])).toEqual([
    ['http://10.0.0.1', 0],
    ['http://10.0.0.2', 1],
  ])
})

test('endpoints that are in the new list too keep their figures', async () => {
  const endpoints = ['http://10.0.0.1', 'http://10.0.0.2']
  const gateway = createGateway<string>({ upstreams: { users: { endpoints } }, routes: toUsers })
  const before = gateway.upstreams['users']?.endpoints
  await gateway.replace({ upstreams: { users: { endpoints: ['http://10.0.0.2', 'http://10.0.0.3'] } }, routes: toUsers })
  const after = gateway.upstreams['users']?.endpoints
  expect(after?.map(({ id }) => id)).toEqual(['http://10.0.0.2', 'http://10.0.0.3'])
  expect(after?.[0]).toBe(before?.[1])
})

test('other proxy options leave the balancer alone', async () => {
  await using farm = await origins(1)
  const gateway = createGateway<string>({ upstreams: { users: { endpoints: farm.urls } }, routes: toUsers })
  await call(gateway)
  const { users } = gateway.upstreams
  await gateway.replace({ upstreams: { users: { endpoints: farm.urls, proxy: { via: 'second' } } }, routes: toUsers })
  expect(gateway.upstreams['users']).toBe(users)
  const reply = await (await call(gateway)).json<{ headers: { via: string } }>()
  expect(reply.headers.via).toBe('1.1 second')
  await gateway.close()
})

test('a request that came before ends as it began, at an upstream that is there no more', async () => {
  await using farm = await origins(1)
  const { layer, open, entered } = gate()
  const gateway = createGateway<string>({ upstreams: { users: { endpoints: farm.urls } }, routes: toUsers, use: [layer] })
  const before = call(gateway)
  await entered
  await gateway.replace({ upstreams: {}, routes: [{ path: '/*', to: () => text('new') }] })
  expect(await (await call(gateway)).text()).toBe('new')
  open()
  const reply = await before
  expect(await reply.json()).toMatchObject({ id: 0 })
  await gateway.close()
})

test('what was replaced is closed after its drainMs', async () => {
  await using farm = await origins(1)
  const clock = virtualClock()
  const users = { endpoints: farm.urls, drainMs: 5_000, clock }
  const gateway = createGateway<string>({ upstreams: { users }, routes: toUsers })
  const old = gateway.upstreams['users']
  await gateway.replace({ upstreams: {}, routes: [] })
  await clock.advance(4_999)
  const lease = await old?.acquire({ tried: [] })
  expect(lease).toHaveProperty('endpoint')
  if (lease && 'release' in lease) lease.release()
  await clock.advance(1)
  expect(await old?.acquire({ tried: [] })).toEqual({ reason: 'draining' })
  expect(clock.pending).toBe(0)
})

test('closing the gateway closes at once what was replaced before', async () => {
  const clock = virtualClock()
  const gateway = createGateway<string>({ upstreams: { users: { endpoints: ['http://10.0.0.1'], clock } }, routes: toUsers })
  const old = gateway.upstreams['users']
  await gateway.replace({ upstreams: {}, routes: [] })
  await gateway.close()
  expect(await old?.acquire({ tried: [] })).toEqual({ reason: 'draining' })
  expect(clock.pending).toBe(0)
})

test('a clock stays the same thing through a change', async () => {
  const clock = virtualClock()
  const users = { endpoints: [], clock }
  const gateway = createGateway<string>({ upstreams: { users }, routes: [] })
  expect(await gateway.replace({ upstreams: { users: { endpoints: [], clock } }, routes: [] })).toEqual({ changed: [] })
  const other = { users: { endpoints: [], clock: systemClock } }
  expect(await gateway.replace({ upstreams: other, routes: [] })).toEqual({ changed: ['upstreams.users'] })
})

test('a closed gateway takes no new options', async () => {
  const gateway = createGateway<string>({ upstreams: {}, routes: [] })
  await gateway.close()
  await expect(gateway.replace({ upstreams: {}, routes: [] })).rejects.toMatchObject({ code: 'DRAINING' })
})
