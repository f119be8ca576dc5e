import { chain, type Middleware, text } from '@gatelet/core'
import { createRouter, RouteTable } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { expect, test } from 'vitest'

interface Principal {
  principal: { tenant: string }
}

const auth: Middleware<{}, Principal> = (ctx, next) =>
  next(ctx.with({ principal: { tenant: ctx.request.headers.get('authorization') ?? '' } }))
const says = (words: string) => () => text(words)

test('a route of a tenant is for its tenants alone, and goes before that of all', async () => {
  const handler = chain()
    .use(auth)
    .to(
      createRouter(
        (router) => {
          router
            .get('/reports', ({ state }) => text(`common ${state.principal.tenant}`))
            .route({ method: 'GET', path: '/reports', tenant: ['acme', 'globex'] }, says('own'))
            .route({ path: '/beta', tenant: 'acme' }, says('beta'))
        },
        { tenant: (ctx) => ctx.state.principal.tenant },
      ),
    )
  const asked = async (tenant: string, url: string) => {
    const reply = await call(handler, { url, headers: { authorization: tenant } })
    return reply.status === 200 ? reply.text() : reply.status
  }
  expect(await asked('acme', '/reports')).toBe('own')
  expect(await asked('globex', '/reports')).toBe('own')
  expect(await asked('initech', '/reports')).toBe('common initech')
  expect(await asked('constructor', '/reports')).toBe('common constructor')
  expect(await asked('acme', '/beta')).toBe('beta')
  expect(await asked('globex', '/beta')).toBe(404)
})

test('what a tenant has not is left to the route of all', async () => {
  const router = createRouter({ tenant: () => 'acme' })
    .get('/a', says('all'))
    .route({ method: 'POST', path: '/a', tenant: 'acme' }, says('own'))
  expect(await (await call(router, '/a')).text()).toBe('all')
  expect(await (await call(router, 'POST /a')).text()).toBe('own')
})

test('whose request it is, is asked once, and only where a route names tenants', async () => {
  let asked = 0
  const router = createRouter({ tenant: () => String(asked++) })
    .get('/a', says('a'))
    .get('/b', says('b'))
  await call(router, '/a')
  expect(asked).toBe(0)
  router.route({ path: '/a', tenant: 'acme' }, says('own')).route({ path: '/:x', tenant: 'acme' }, says('own'))
  await call(router, '/a')
  await call(router, '/none/x')
  expect(asked).toBe(2)
})

test('a tenant is refused where nobody says whose request it is', () => {
  expect(() => createRouter().route({ path: '/a', tenant: 'acme' }, says('a'))).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION', path: 'tenant' }),
  )
})

test('two routes of one tenant at one place are refused, those of two are not', () => {
  const router = createRouter({ tenant: () => undefined }).route({ path: '/a', tenant: ['x', 'y'] }, says('a'))
  expect(() => router.route({ path: '/a', tenant: ['z', 'y'] }, says('a'))).toThrow(
    'any /a (tenant: z|y) matches the same requests',
  )
  expect(() => router.route({ path: '/a', tenant: 'z' }, says('a'))).not.toThrow()
})

test('a look-up looks at the routes of one tenant, however many there are', () => {
  let looked = 0
  const routes = Array.from({ length: 20_000 }, (_, at) => ({
    path: '/api/*rest',
    tenant: `t${at}`,
    headers: { v: () => ++looked > 0 },
    data: at,
  }))
  const table = RouteTable.build(routes)
  const request = { method: 'GET', url: { host: '', path: '/api/x' }, headers: { get: () => '1' } }
  expect(table.find(request, 0, 't19999')).toMatchObject({ data: 19_999 })
  expect(table.find(request, 0, 'other')).toEqual({ kind: 'miss' })
  expect(looked).toBe(1)
})

test('a tenant that is told by a promise is refused, and what it rejects with ends nothing', async () => {
  const late = async () => {
    throw new Error('late')
  }
  const router = createRouter({ tenant: late as unknown as () => string }).route({ path: '/a', tenant: 'acme' }, says('own'))
  const reply = await call(router, { url: '/a' })
  expect([reply.status, reply.body]).toEqual([500, expect.stringContaining('BAD_OPTION')])
})
