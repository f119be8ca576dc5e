import { createGateway, GatewayError, type GatewayOptions } from 'gatelet'
import { describe, expect, test } from 'vitest'

const good = {
  upstreams: { users: { endpoints: ['http://10.0.0.1'] }, orders: { endpoints: [] } },
  routes: [{ path: '/users/*', to: 'users' }],
}
const route = (change: object) => ({ ...good, routes: [...good.routes, { path: '/x', to: 'users', ...change }] })
const users = (change: object) => ({ ...good, upstreams: { users: { endpoints: [], ...change } } })

const table: [what: string, options: unknown, path: string, expected: string][] = [
  ['no options', undefined, 'upstreams', 'upstreams must be an object (got undefined)'],
  ['a list as options', [], '', 'the options must be an object'],
  ['an unknown name', { ...good, route: [] }, 'route', 'route is not an option; did you mean routes?'],
  ['upstreams', { ...good, upstreams: [] }, 'upstreams', 'upstreams must be an object (got a list of 0)'],
  ['an upstream', { ...good, upstreams: { users: 'http://10.0.0.1' } }, 'upstreams.users', 'upstreams.users must be an object'],
  [
    'an upstream without endpoints',
    { ...good, upstreams: { users: {} } },
    'upstreams.users.endpoints',
    'endpoints must be a list',
  ],
  ['an endpoint', users({ endpoints: ['10.0.0.1'] }), 'upstreams.users.endpoints[0]', 'must be an http or https URL'],
  ['a weight', users({ endpoints: [{ url: 'http://a', weight: -1 }] }), 'upstreams.users.endpoints[0].weight', 'from 0 to'],
  ['a strategy', users({ strategy: 'fastest' }), 'upstreams.users.strategy', "must be 'two-choices'"],
  ['what a strategy makes', users({ strategy: () => 3 }), 'upstreams.users.strategy', 'must be a factory'],
  ['an unknown option of an upstream', users({ drain: 1 }), 'upstreams.users.drain', 'did you mean drainMs?'],
  ['a name', users({ name: '' }), 'upstreams.users.name', 'must be a string that is not empty'],
  ['proxy', users({ proxy: 3 }), 'upstreams.users.proxy', 'createGateway: upstreams.users.proxy must be an object (got 3)'],
  ['proxy options', users({ proxy: { retries: 11 } }), 'upstreams.users.proxy.retries', 'a whole number from 0 to 10 (got 11)'],
  ['proxy time limits', users({ proxy: { timeouts: { connectMs: 0 } } }), 'upstreams.users.proxy.timeouts.connectMs', 'from 1'],
  ['routes', { ...good, routes: {} }, 'routes', 'routes must be a list (got an object)'],
  ['a route', { ...good, routes: ['/x'] }, 'routes[0]', 'routes[0] must be an object'],
  ['an unknown option of a route', route({ paths: 1 }), 'routes[1].paths', 'did you mean path?'],
  ['a path', route({ path: 'x' }), 'routes[1].path', 'must be a path that starts with a slash (got "x")'],
  ['a path that is taken', route({ path: '/users/*' }), 'routes[1].path', 'must differ in more than names'],
  ['a method', route({ method: 'get' }), 'routes[1].method', 'must be a method in capitals, such as GET (got "get")'],
  ['a host', route({ host: 'a:80' }), 'routes[1].host', 'must be a host name without port'],
  ['several hosts', route({ host: ['a', 'b:80'] }), 'routes[1].host[1]', 'must be a host name without port'],
  [
    'a rule',
    route({ path: '/:id', where: { id: 'number' } }),
    'routes[1].where.id',
    'must be "int", "uuid", "slug", a text with *',
  ],
  ['the name of a rule', route({ where: { id: 'int' } }), 'routes[1].where.id', 'is not in /x, which has no parameters'],
  ['a condition on headers', route({ headers: { 'x y': '1' } }), 'routes[1].headers.x y', 'must be a name of letters'],
  [
    'a condition on the query',
    route({ query: { q: 1 } }),
    'routes[1].query.q',
    'must be a text, a list of texts, true, a RegExp',
  ],
  ['a priority', route({ priority: 'high' }), 'routes[1].priority', 'must be a number from -1000000 to 1000000'],
  ['a slash of a route', route({ trailingSlash: true }), 'routes[1].trailingSlash', 'must be "strict", "ignore" or "redirect"'],
  ['a tenant that nobody tells', route({ tenant: 'a' }), 'routes[1].tenant', 'must be left out where there is no option tenant'],
  ['who tells the tenant', { ...good, tenant: 'x-tenant' }, 'tenant', 'must be a function (ctx) => the name of a tenant'],
  ['a slash', { ...good, trailingSlash: 'no' }, 'trailingSlash', 'must be "strict", "ignore" or "redirect"'],
  ['strictness', { ...good, strict: 1 }, 'strict', 'must be true or false'],
  [
    'routes that conflict',
    { ...route({ path: '/:a/x' }), strict: true },
    'routes[1].path',
    'any /users/* and any /:a/x overlap, and neither is a case of the other',
  ],
  ['a target', route({ to: 3 }), 'routes[1].to', 'must be a handler, or the name of an upstream: users, orders (got 3)'],
  [
    'the name of a target',
    route({ to: 'usres' }),
    'routes[1].to',
    'must be the name of an upstream: users, orders (got "usres")',
  ],
  [
    'no upstream',
    { upstreams: {}, routes: [{ path: '/', to: 'a' }] },
    'routes[0].to',
    'the name of an upstream, and there is none',
  ],
  ['layers of a route', route({ use: () => {} }), 'routes[1].use', 'must be a list (got a function)'],
  [
    'a layer of a route',
    route({ use: [{}] }),
    'routes[1].use[0]',
    'must be a layer (ctx, next) => Reply, or a chain (got an object)',
  ],
  ['layers', { ...good, use: {} }, 'use', 'use must be a list (got an object)'],
  ['a layer', { ...good, use: [() => {}, 'auth'] }, 'use[1]', 'must be a layer (ctx, next) => Reply, or a chain (got "auth")'],
]

describe('createGateway refuses', () => {
  test.each(table)('%s', (_, options, path, expected) => {
    const error = thrownBy(() => createGateway(options as GatewayOptions))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path })
    expect(error.message).toContain(expected)
    expect(error.message).toMatch(/^createGateway: /)
  })
})

function thrownBy(make: () => unknown): GatewayError {
  try {
    make()
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
