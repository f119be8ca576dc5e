import { type Handler, text } from '@gatelet/core'
import { createRouter, type RouteSpec, RouteTable } from '@gatelet/router'
import { describe, expect, test } from 'vitest'
import { refusal, untyped } from './refusal.ts'

const handler: Handler = () => text('x')

const badPaths: [path: unknown, right: string][] = [
  [undefined, 'path must be a path that starts with a slash (got undefined)'],
  [7, 'path must be a path that starts with a slash (got 7)'],
  ['', 'path must be a path that starts with a slash'],
  ['users', 'path must be a path that starts with a slash'],
  ['/a//b', 'path must be a path without //'],
  ['//', 'path must be a path without //'],
  ['/a//*', 'path must be a path without //'],
  ['/a/:', 'names of letters, digits and _'],
  ['/a/:user-id', 'names of letters, digits and _'],
  ['/a/:id?', 'names of letters, digits and _'],
  ['/a/:id(\\d+)', 'names of letters, digits and _'],
  ['/a/*a*', 'names of letters, digits and _'],
  ['/:__proto__', 'a path without a parameter of this name'],
  ['/*__proto__', 'a path without a parameter of this name'],
  ['/:id/x/:id', 'parameters have different names'],
  ['/:id/*id', 'parameters have different names'],
  ['/*rest/x', 'whole segments, as /:name, and whose last may be /*rest'],
  ['/blog/bar*', 'whole segments, as /:name, and whose last may be /*rest'],
  ['/users/{id}', 'whole segments, as /:name'],
  ['/a/../b', 'without dot segments'],
  ['/a/.', 'without dot segments'],
  ['/a/%2e%2E/b', 'without dot segments'],
  ['/a?b', 'without dot segments, ?'],
  ['/a#b', '#'],
  ['/a\\b', '\\'],
  ['/a%zz', '% that encodes nothing'],
  ['/a\n', 'control characters'],
  ['/\ud800', 'control characters'],
]

describe('a path that is not right', () => {
  test.each(badPaths)('%j is refused when it is added', (path, right) => {
    const error = refusal(() => createRouter().get(untyped<string>(path), handler))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: 'path' })
    expect(error.message).toMatch(/^router\.get: path must be /)
    expect(error.message).toContain(right)
  })

  test.each(badPaths)('%j is refused by mount, too', (path, right) => {
    const error = refusal(() => createRouter().mount(untyped<string>(path), handler))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: 'path' })
    // mount takes a slash at the end of a path for nothing.
    if (path !== '' && path !== '//') expect(error.message).toContain(right)
  })
})

describe('RouteOptions', () => {
  const hosts = 'host must be a host name without port, such as api.example.com or *.example.com'
  test.each<[options: object, field: string, right: string]>([
    [{ method: 'get' }, 'method', 'a method in capitals, such as GET'],
    [{ method: 'GE T' }, 'method', 'a method in capitals, such as GET'],
    [{ method: 7 }, 'method', 'a method in capitals, such as GET'],
    [{ method: [] }, 'method', 'a list of at least 1'],
    [{ method: ['GET', 'post'] }, 'method[1]', 'a method in capitals, such as GET'],
    [{ host: '' }, 'host', hosts],
    [{ host: '*' }, 'host', hosts],
    [{ host: '*.' }, 'host', hosts],
    [{ host: 'a.*.test' }, 'host', hosts],
    [{ host: 'a.test:80' }, 'host', hosts],
    [{ host: '[::1]:80' }, 'host', hosts],
    [{ host: '::1' }, 'host', hosts],
    [{ host: '*.10.0.0.1' }, 'host', hosts],
    [{ host: '*.[::1]' }, 'host', hosts],
    [{ host: 'http://a.test' }, 'host', hosts],
    [{ host: 'a b' }, 'host', hosts],
    [{ host: 'ü\u0000.test' }, 'host', hosts],
    [{ host: 7 }, 'host', hosts],
    [{ path: 'x' }, 'path', 'a path that starts with a slash'],
    [{ methods: 'GET' }, 'methods', 'did you mean method?'],
  ])('refuses %j', (options, field, right) => {
    const error = refusal(() => createRouter().route({ path: '/x', ...options }, handler))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: field })
    expect(error.message).toMatch(/^router\.route: /)
    expect(error.message).toContain(right)
  })

  test('are checked by RouteTable.build, which names the route', () => {
    const error = refusal(() =>
      RouteTable.build([{ path: '/a', data: 1 }, untyped<RouteSpec<number>>({ path: '/b', host: 7, data: 2 })]),
    )
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: 'routes[1].host' })
    expect(error.message).toContain('RouteTable.build: routes[1].host must be a host name')
  })
})

test.each<[pattern: unknown, define: unknown, field: string, right: string]>([
  ['a.test:80', () => {}, 'pattern', 'pattern must be a host name without port'],
  [undefined, () => {}, 'pattern', 'pattern must be a host name without port'],
  ['a.test', undefined, 'define', 'define must be a function that adds routes (got undefined)'],
])('router.host refuses %j', (pattern, define, field, right) => {
  const error = refusal(() => createRouter().host(untyped<string>(pattern), untyped<() => void>(define)))
  expect(error).toMatchObject({ code: 'BAD_OPTION', path: field })
  expect(error.message).toContain(`router.host: ${right}`)
})

test.each<[options: unknown, field: string | undefined, right: string]>([
  [{ notFound: 'x' }, 'notFound', 'notFound must be a handler (ctx) => Reply (got "x")'],
  [{ notfound: handler }, 'notfound', 'did you mean notFound?'],
  ['x', '', 'must be an object'],
])('createRouter refuses the options %j', (options, field, right) => {
  for (const create of [() => createRouter(untyped<object>(options)), () => createRouter(() => {}, untyped<object>(options))]) {
    const error = refusal(create)
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: field })
    expect(error.message).toContain(right)
  }
})

test.each<[handling: unknown[], field: string, right: string]>([
  [[], 'handler', 'handler must be a handler (ctx) => Reply (got undefined)'],
  [['x'], 'handler', 'handler must be a handler (ctx) => Reply (got "x")'],
  [[handler, {}], 'handler', 'handler must be a handler (ctx) => Reply (got an object)'],
  [['x', handler], 'layers[0]', 'layers[0] must be a layer (ctx, next) => Reply (got "x")'],
])('a route refuses the handling %j', (handling, field, right) => {
  const add = untyped<(path: string, ...handling: unknown[]) => void>(createRouter().get)
  const error = refusal(() => add('/x', ...handling))
  expect(error).toMatchObject({ code: 'BAD_OPTION', path: field })
  expect(error.message).toContain(`router.get: ${right}`)
})

describe('routes that no request could tell apart', () => {
  test.each<[one: string, other: string]>([
    ['/foo/:bar', '/foo/:baz'],
    ['/foo', '/foo'],
    ['/foo/*', '/foo/*rest'],
    ['/foo/:a/x/*b', '/foo/:c/x/*'],
    ['/café', '/caf%c3%a9'],
    ['/%7euser', '/~user'],
  ])('%s and %s are refused, and both are named', (one, other) => {
    const error = refusal(() => createRouter().get(one, handler).get(other, handler))
    expect(error).toMatchObject({ code: 'BAD_OPTION', path: 'path' })
    expect(error.message).toBe(
      `router.get: path must differ in more than names: GET ${other} matches the same requests as GET ${one}`,
    )
  })

  test('mount is any with a rest', () => {
    const error = refusal(() => createRouter().any('/v1/*rest', handler).mount('/v1/', handler))
    expect(error.message).toContain('router.mount: path must differ')
    expect(error.message).toContain('any /v1/* matches the same requests as any /v1/*rest')
  })

  test('are looked for per host, whose spelling does not count', () => {
    const router = createRouter().get('/a', handler)
    router.host('*.Example.com', (r) => r.get('/a', handler)).host('example.com', (r) => r.get('/a', handler))
    const error = refusal(() => router.host('*.example.com.', (r) => r.get('/a', handler)))
    expect(error.message).toContain('GET *.example.com/a matches the same requests as GET *.example.com/a')
  })

  test('are looked for per method, of which one is enough', () => {
    const router = createRouter()
      .route({ method: ['GET', 'POST'], path: '/:a' }, handler)
      .any('/:b', handler)
      .head('/:c', handler)
    const error = refusal(() => router.route({ method: ['PUT', 'POST'], path: '/:d' }, handler))
    expect(error.message).toContain('POST /:d matches the same requests as POST /:a')
  })

  test('may name a method twice', () => {
    expect(() => createRouter().route({ method: ['GET', 'GET'], path: '/' }, handler)).not.toThrow()
  })
})
