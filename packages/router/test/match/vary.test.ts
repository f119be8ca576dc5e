import { GatewayError, type Handler, json, text } from '@gatelet/core'
import { createRouter, RouteTable } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { expect, test } from 'vitest'

const says =
  (words: string, headers: Record<string, string> = {}): Handler =>
  () =>
    text(words, { headers })

const router = createRouter({ trailingSlash: 'redirect' })
  .route({ path: '/api/*', headers: { 'X-Version': '2' } }, says('two', { vary: 'accept-encoding, x-version' }))
  .route({ path: '/api/*', headers: { 'x-beta': true }, query: { v: '3' } }, says('beta'))
  .any('/api/*', says('one'))
  .route({ method: 'PUT', path: '/api/put', headers: { 'x-kind': 'a' } }, says('put'))
  .get('/api/free', says('free'))
  .get('/:any/free', says('any'))
  .route({ method: 'GET', path: '/failing', headers: { v: true } }, () => Promise.reject(new GatewayError('NO_ENDPOINT')))
  .route({ method: 'GET', path: '/here', headers: { v: '1' } }, says('here'))
  .route({ path: '/inner/*', headers: { v: '1' } }, says('v'))
  .mount('/inner', createRouter().route({ path: '/x', headers: { w: '1' } }, says('w')))

test.each<[request: string, headers: Record<string, string>, status: number, vary: string | undefined]>([
  ['GET /api/x', { 'x-version': '2' }, 200, 'accept-encoding, x-beta, x-version'],
  ['GET /api/x', {}, 200, 'x-beta, x-version'],
  ['GET /api/x?v=3', { 'x-beta': '' }, 200, 'x-beta'],
  ['PUT /api/put', { 'x-kind': 'a' }, 200, 'x-kind'],
  ['PUT /api/put', { 'x-kind': 'b' }, 200, 'x-beta, x-kind, x-version'],
  ['GET /api/free', { 'x-version': '2' }, 200, undefined],
  ['GET /b/free', {}, 200, undefined],
  ['GET /failing', { v: '' }, 503, 'v'],
  ['GET /here', { v: '2' }, 404, 'v'],
  ['PUT /here', { v: '1' }, 405, 'v'],
  ['OPTIONS /here', { v: '1' }, 204, 'v'],
  ['GET /here/', { v: '1' }, 308, 'v'],
  ['GET /none', {}, 404, undefined],
  ['GET /inner/x', { w: '1' }, 200, 'v, w'],
  ['GET /inner/x', {}, 404, 'v, w'],
])('%s with %j is %j, and depends on %j', async (request, headers, status, vary) => {
  const [method = '', url = ''] = request.split(' ')
  const reply = await call(router, { method, url, headers })
  const names = reply.headers.get('vary')?.split(', ').sort().join(', ')
  expect([reply.status, names]).toEqual([status, vary])
})

test('a table tells by which headers it found what it found', () => {
  const table = RouteTable.build([
    { path: '/a', headers: { v: '1', W: '2' }, data: 0 },
    { path: '/a', data: 1 },
    { path: '/b', data: 2 },
  ])
  const vary = (path: string) => table.find({ method: 'GET', url: { host: '', path } }).vary
  expect([vary('/a'), vary('/b'), vary('/c')]).toEqual([['v', 'w'], undefined, undefined])
})

test('a reply that depends on everything says no more', async () => {
  const all = createRouter().route({ path: '/', headers: { v: true } }, () => json(1, { headers: { vary: '*' } }))
  expect((await call(all, { url: '/', headers: { v: '1' } })).headers.get('vary')).toBe('*')
})
