import { RouteTable } from '@gatelet/router'
import { expect, test } from 'vitest'
import { found, tableOf } from './found.ts'

interface Row {
  rule: string
  routes: string[]
  asks: Record<string, string>
}

const rows: Row[] = [
  {
    rule: 'a static path matches itself and nothing else',
    routes: ['/', '/users', '/users/all'],
    asks: {
      '/': '/',
      '/users': '/users',
      '/users/all': '/users/all',
      '/user': 'miss',
      '/users/al': 'miss',
      '/users/all/x': 'miss',
    },
  },
  {
    rule: 'a trailing slash counts',
    routes: ['/users', '/teams/'],
    asks: { '/users/': 'miss', '/teams': 'miss', '/teams/': '/teams/' },
  },
  {
    rule: 'case counts',
    routes: ['/admin'],
    asks: { '/ADMIN': 'miss', '/Admin': 'miss' },
  },
  {
    rule: 'a parameter is one segment that is not empty',
    routes: ['/users/:id'],
    asks: { '/users/7': '/users/:id id=7', '/users/': 'miss', '/users': 'miss', '/users/7/': 'miss', '/users/7/x': 'miss' },
  },
  {
    rule: 'several parameters are captured, each by its name',
    routes: ['/teams/:team/users/:user'],
    asks: { '/teams/a/users/b': '/teams/:team/users/:user team=a user=b', '/teams/a/users': 'miss' },
  },
  {
    rule: 'patterns may name a parameter differently where they part later',
    routes: ['/:team/users', '/:org/bills', 'POST /:any/users'],
    asks: { '/a/users': '/:team/users team=a', '/a/bills': '/:org/bills org=a', 'POST /a/users': 'POST /:any/users any=a' },
  },
  {
    rule: 'a rest takes whatever follows, also nothing, on the border of a segment',
    routes: ['/files/*rest'],
    asks: {
      '/files': '/files/*rest rest=',
      '/files/': '/files/*rest rest=',
      '/files/a': '/files/*rest rest=a',
      '/files/a/b/': '/files/*rest rest=a/b/',
      '/filesystem': 'miss',
      '/file': 'miss',
    },
  },
  {
    rule: 'a rest without a name captures nothing',
    routes: ['/v1/*'],
    asks: { '/v1': '/v1/*', '/v1/': '/v1/*', '/v1/x/y': '/v1/*', '/v1x': 'miss' },
  },
  {
    rule: 'a rest at the root takes everything',
    routes: ['/*rest'],
    asks: { '/': '/*rest rest=', '/a': '/*rest rest=a', '/a/b/': '/*rest rest=a/b/' },
  },
  {
    rule: 'a rest stands behind parameters too',
    routes: ['/:org/files/*path'],
    asks: { '/a/files': '/:org/files/*path org=a path=', '/a/files/b/c': '/:org/files/*path org=a path=b/c', '/a/file': 'miss' },
  },
  {
    rule: 'static goes before parameter, parameter before rest',
    routes: ['/users/*rest', '/users/:id', '/users/me'],
    asks: {
      '/users/me': '/users/me',
      '/users/you': '/users/:id id=you',
      '/users/me/x': '/users/*rest rest=me/x',
      '/users': '/users/*rest rest=',
      '/users/': '/users/*rest rest=',
    },
  },
  {
    rule: 'the first segment that differs decides',
    routes: ['/:a/x/y', '/a/:b/:c', '/a/*rest'],
    asks: { '/a/x/y': '/a/:b/:c b=x c=y', '/b/x/y': '/:a/x/y a=b', '/a/x': '/a/*rest rest=x' },
  },
  {
    rule: 'a path that ends goes before a rest that is empty',
    routes: ['/a/*rest', '/a', '/a/'],
    asks: { '/a': '/a', '/a/': '/a/', '/a/b': '/a/*rest rest=b' },
  },
  {
    rule: 'a static beginning that leads nowhere is left for a parameter',
    routes: ['/a/b/c', '/:x/b/d', '/*rest'],
    asks: { '/a/b/c': '/a/b/c', '/a/b/d': '/:x/b/d x=a', '/a/b/e': '/*rest rest=a/b/e' },
  },
  {
    rule: 'static segments are compared whole, never by their beginning',
    routes: ['/prefix-111', '/prefix-1/x', '/:page', '/prefix-11/:n'],
    asks: {
      '/prefix-111': '/prefix-111',
      '/prefix-1': '/:page page=prefix-1',
      '/prefix-1111': '/:page page=prefix-1111',
      '/prefix-11/2': '/prefix-11/:n n=2',
      '/prefix-1/2': 'miss',
    },
  },
  {
    rule: 'captures of a way that led nowhere are not kept',
    routes: ['/:a/:b/end', '/x/:c/stop', '/*rest'],
    asks: { '/x/1/end': '/:a/:b/end a=x b=1', '/x/1/stop': '/x/:c/stop c=1', '/x/1/no': '/*rest rest=x/1/no' },
  },
  {
    rule: 'the longest prefix wins',
    routes: ['/*', '/api/*', '/api/v1/*', '/api/v1/users/*'],
    asks: { '/x': '/*', '/api': '/api/*', '/api/v2/x': '/api/*', '/api/v1': '/api/v1/*', '/api/v1/users/1': '/api/v1/users/*' },
  },
  {
    rule: 'GET takes HEAD, no other method does',
    routes: ['GET /a', 'POST /b'],
    asks: { 'HEAD /a': 'GET /a', 'HEAD /b': '405 OPTIONS,POST' },
  },
  {
    rule: 'a route for HEAD goes before that for GET, and any comes last',
    routes: ['GET /a', 'HEAD /a', '/a', 'GET /b', '/b'],
    asks: { 'HEAD /a': 'HEAD /a', 'GET /a': 'GET /a', 'PUT /a': '/a', 'HEAD /b': 'GET /b' },
  },
  {
    rule: 'the path is compared before the method',
    routes: ['/a/b', 'GET /a/:x'],
    asks: { 'GET /a/b': '/a/b', 'GET /a/c': 'GET /a/:x x=c' },
  },
  {
    rule: 'a route without the method leaves the request to the next one',
    routes: ['GET /users/me', 'POST /users/:id', 'DELETE /users/*rest'],
    asks: {
      'POST /users/me': 'POST /users/:id id=me',
      'DELETE /users/me': 'DELETE /users/*rest rest=me',
      'PUT /users/me': '405 DELETE,GET,HEAD,OPTIONS,POST',
      'PUT /users/you': '405 DELETE,OPTIONS,POST',
      'PUT /users/you/x': '405 DELETE,OPTIONS',
    },
  },
  {
    rule: 'methods have any name and are compared with their case',
    routes: ['PROPFIND,REPORT /dav'],
    asks: {
      'PROPFIND /dav': 'PROPFIND,REPORT /dav',
      'REPORT /dav': 'PROPFIND,REPORT /dav',
      'GET /dav': '405 OPTIONS,PROPFIND,REPORT',
    },
  },
  {
    rule: 'an exact host goes before a wildcard, the longest wildcard first, then no host',
    routes: ['/', 'api.example.com/', '*.example.com/', '*.eu.example.com/'],
    asks: {
      'api.example.com/': 'api.example.com/',
      'www.example.com/': '*.example.com/',
      'a.b.example.com/': '*.example.com/',
      'a.eu.example.com/': '*.eu.example.com/',
      'eu.example.com/': '*.example.com/',
      'example.com/': '/',
      'example.org/': '/',
      '/': '/',
    },
  },
  {
    rule: 'a host is compared whole',
    routes: ['api.example.com/', '*.example.org/'],
    asks: { 'xapi.example.com/': 'miss', 'api.example.com.evil.io/': 'miss', 'evilexample.org/': 'miss' },
  },
  {
    rule: 'the host is compared before the path, and what its routes do not take is left to the others',
    routes: ['a.example.com/x/*rest', '*.example.com/x/y', '/x/y/z', 'POST /only'],
    asks: {
      'a.example.com/x/y': 'a.example.com/x/*rest rest=y',
      'b.example.com/x/y': '*.example.com/x/y',
      'b.example.com/x/y/z': '/x/y/z',
      'a.example.com/only': '405 OPTIONS,POST',
    },
  },
  {
    rule: 'an address is a host like another',
    routes: ['10.0.0.1/', '[::1]/'],
    asks: { '10.0.0.1/': '10.0.0.1/', '[::1]/': '[::1]/', '10.0.0.2/': 'miss' },
  },
  {
    rule: 'percent signs in a parameter are decoded after the path was split',
    routes: ['/users/:id', '/files/*rest'],
    asks: {
      '/users/a%20b': '/users/:id id=a b',
      '/users/caf%C3%A9': '/users/:id id=café',
      '/users/a%2Fb': '/users/:id id=a/b',
      '/users/100%25': '/users/:id id=100%',
      '/users/%252F': '/users/:id id=%2F',
      '/files/a%20b/c%20d': '/files/*rest rest=a b/c d',
    },
  },
  {
    rule: 'a slash in a rest always is a border between segments',
    routes: ['/files/*rest'],
    asks: { '/files/a%2Fb/c': '/files/*rest rest=a%2Fb/c', '/files/x%2F..%2Fy': '/files/*rest rest=x%2F..%2Fy' },
  },
  {
    rule: 'a parameter that is not UTF-8 matches no value',
    routes: ['/users/:id', '/files/*rest', '/raw/*'],
    asks: { '/users/%FF': 'malformed', '/users/%C0%AF': 'malformed', '/files/a/%E9': 'malformed', '/raw/%FF': '/raw/*' },
  },
  {
    rule: 'static segments are compared in their canonical form',
    routes: ['/café', '/a b', '/%7euser', '/x%2fy', '/tschüß/:id', '/sub;v=1/@me'],
    asks: {
      '/caf%C3%A9': '/café',
      '/a%20b': '/a b',
      '/~user': '/%7euser',
      '/x%2Fy': '/x%2fy',
      '/x/y': 'miss',
      '/tsch%C3%BC%C3%9F/1': '/tschüß/:id id=1',
      '/sub;v=1/@me': '/sub;v=1/@me',
    },
  },
  {
    rule: 'an empty segment that the edge let through is a segment',
    routes: ['/a/b', '/a/:x/b', '/d/*rest'],
    asks: { '/a//b': 'miss', '//a/b': 'miss', '/d//x': '/d/*rest rest=/x', '//d/x': 'miss' },
  },
  {
    rule: 'names of the object prototype are parameters and segments like others',
    routes: ['/:constructor/:toString', '/toString', '/x/__proto__'],
    asks: {
      '/a/b': '/:constructor/:toString constructor=a toString=b',
      '/toString': '/toString',
      '/x/__proto__': '/x/__proto__',
      '/valueOf': 'miss',
    },
  },
]

test.each(rows)('$rule', ({ routes, asks }) => {
  const table = tableOf(...routes)
  expect(Object.fromEntries(Object.keys(asks).map((ask) => [ask, found(table, ask)]))).toEqual(asks)
})

test.each([
  ['/:id', '/7'],
  ['/:id/*rest', '/7/x'],
  ['/fixed', '/fixed'],
])('params of %s inherit nothing', (pattern, path) => {
  const match = tableOf(pattern).find({ method: 'GET', url: { host: '', path } })
  const params: object = match.kind === 'hit' ? match.params : Object.prototype
  for (const name of Reflect.ownKeys(Object.prototype)) expect(name in params, String(name)).toBe(false)
  const above = Object.getPrototypeOf(params) as object | null
  if (above) expect([Object.getPrototypeOf(above), Reflect.ownKeys(above), Object.isFrozen(above)]).toEqual([null, [], true])
})

test('a look-up can begin within the path, where its end is a slash that nothing follows', () => {
  const table = tableOf('/', '/users', '/files/*rest')
  const at = (path: string, from: number) => table.find({ method: 'GET', url: { host: '', path } }, from)
  expect(at('/v1', 3)).toMatchObject({ data: '/' })
  expect(at('/v1/', 3)).toMatchObject({ data: '/' })
  expect(at('/v1/users', 3)).toMatchObject({ data: '/users', end: undefined })
  expect(at('/v1/files', 3)).toMatchObject({ data: '/files/*rest', params: { rest: '' }, end: 9 })
  expect(at('/v1/files/a/b', 3)).toMatchObject({ data: '/files/*rest', params: { rest: 'a/b' }, end: 9 })
  expect(at('/v1/v1', 3)).toEqual({ kind: 'miss' })
})

test('an empty table finds nothing', () => {
  expect(tableOf().find({ method: 'GET', url: { host: 'a', path: '/' } })).toEqual({ kind: 'miss' })
})

test('a rule that looks something up in the same table disturbs nothing', () => {
  const ask = (path: string) => ({ method: 'GET', url: { host: '', path } })
  const inner: string[] = []
  const nosy = (value: string): boolean => {
    if (value === 'x') return true
    const match = table.find(ask('/a/much-longer-than-that/x/y/z'))
    inner.push(match.kind === 'hit' ? JSON.stringify(match.params) : match.kind)
    return true
  }
  const table: RouteTable<string> = RouteTable.build([
    { path: '/a/:first/:second/*rest', data: 'rest', where: { second: nosy, rest: (rest) => nosy(rest === 'y/z' ? 'x' : rest) } },
    { path: '/a/:first/:second', data: 'two', headers: { never: 'sent' } },
  ])
  const params = { first: '1', second: '2', rest: '3/4' }
  expect(table.find(ask('/a/1/2/3/4'))).toMatchObject({ kind: 'hit', data: 'rest', params })
  expect(inner).toEqual(Array(2).fill('{"first":"much-longer-than-that","second":"x","rest":"y/z"}'))
  // Nothing but `/nowhere` is met, whatever was met before.
  expect(table.find(ask('/nowhere'))).toEqual({ kind: 'miss' })
})
