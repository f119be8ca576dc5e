import { storable, usefulMs } from '@gatelet/cache'
import { expect, test } from 'vitest'
import { type Fields, get, policy, reply, times } from './fakes.ts'

type Row = readonly [section: string, what: string, request: Fields, response: Fields, verdict: string, status?: number]

const fresh = 'max-age=60'
const cc = (value: string): Fields => ({ 'cache-control': value })
const statusRow = (status: number, why: string, fields: Fields, result: string): Row => [
  why,
  `${status}`,
  {},
  fields,
  result,
  status,
]

// section, what, request, response, 'stored' or the reason, status
const rows: readonly Row[] = [
  ['9111 §5.2.2.1', 'max-age', {}, cc(fresh), 'stored'],
  ['9111 §5.2.2.5', 'no-store', {}, cc('no-store, max-age=60'), 'no-store'],
  ['9111 §5.2', 'no-store in any case', {}, cc('No-StOrE, max-age=60'), 'no-store'],
  [
    '9111 §5.2',
    'no-store on a second line',
    {},
    [
      ['Cache-Control', fresh],
      ['Cache-Control', 'no-store'],
    ],
    'no-store',
  ],
  ['9111 §5.2', 'no-store in a quoted text', {}, cc('x="no-store", max-age=60'), 'stored'],
  ['9111 §5.2', 'no-store behind a quote that never ends', {}, cc('max-age=60, x="a, no-store'), 'no-store'],
  ['9111 §5.2.1.5', 'no-store of the request', cc('no-store'), cc(fresh), 'request-no-store'],
  ['9111 §5.2.2.7', 'private', {}, cc('private, max-age=60'), 'private'],
  ['9111 §5.2.2.7', 'private with fields', {}, cc('private="x", max-age=60'), 'private'],
  ['9111 §5.2.2.7', 'private with no fields', {}, cc('private="", max-age=60'), 'private'],
  ['9111 §5.2.2.7', 'private with a space in its fields', {}, cc('private=" authorization", max-age=60'), 'private'],
  ['9111 §5.2.2.4', 'no-cache with nothing to ask by', {}, cc('no-cache'), 'no-freshness'],
  ['9111 §5.2.2.4', 'no-cache with a tag', {}, { ...cc('no-cache'), etag: '"1"' }, 'stored'],
  ['9111 §5.2.2.4', 'no-cache with fields', {}, cc('no-cache="x", max-age=60'), 'stored'],
  ['9111 §5.2.2.4', 'no-cache with fields that are none', {}, cc('no-cache="x y", max-age=60'), 'no-freshness'],
  ...['age', 'cache-control', 'Content-Encoding', 'content-range', 'content-type', 'date', 'expires', 'vary', 'a, Vary'].map(
    (names): Row => ['9111 §5.2.2.4', `no-cache with ${names}`, {}, cc(`no-cache="${names}", max-age=60`), 'no-freshness'],
  ),
  ...['CDN-Cache-Control', ''].map(
    (names): Row => ['9111 §5.2.2.4', `no-cache with "${names}"`, {}, cc(`no-cache="${names}", max-age=60`), 'no-freshness'],
  ),
  ['9111 §5.2.2.4', 'no-cache with fields as a token', {}, cc('no-cache=x, max-age=60'), 'stored'],
  ['9111 §5.2.2.4', 'no-cache with fields and without', {}, cc('no-cache="x", no-cache, max-age=60'), 'no-freshness'],
  ['9111 §5.2.2.4', 'no-cache that is odd', {}, cc('no-cache ="x", max-age=60'), 'no-freshness'],
  ['9111 §5.2.2.4', 'no-cache of another field', {}, { ...cc('no-cache="x", max-age=60'), 'set-cookie': 'a=b' }, 'set-cookie'],
  ['9111 §5.2.2.7', 'private that is odd', {}, cc('private ="x", max-age=60'), 'private'],
  ['9111 §5.2.2.7', 'private in capitals', {}, cc('PRIVATE, max-age=60'), 'private'],
  ['9111 §5.2.2.7', 'private and public', {}, cc('public, private, max-age=60'), 'private'],
  ['9111 §3.5', 'Authorization with public=x', { authorization: 'x' }, cc('public=x, max-age=60'), 'stored'],
  [
    '9111 §3.5',
    'Authorization with Expires',
    { authorization: 'x' },
    { expires: 'Sun, 06 Nov 1994 08:50:37 GMT' },
    'authorization',
  ],
  ['9111 §3.5', 'Authorization', { authorization: 'x' }, cc(fresh), 'authorization'],
  ['9111 §3.5', 'Authorization with public', { authorization: 'x' }, cc('public, max-age=60'), 'stored'],
  ['9111 §3.5', 'Authorization with s-maxage', { authorization: 'x' }, cc('s-maxage=60'), 'stored'],
  ['9111 §3.5', 'Authorization with must-revalidate', { authorization: 'x' }, cc('must-revalidate, max-age=60'), 'stored'],
  ['safety', 'Cookie', { cookie: 'a=b' }, cc(fresh), 'cookie'],
  ['safety', 'Cookie with public', { cookie: 'a=b' }, cc('public, max-age=60'), 'stored'],
  ['safety', 'Cookie with s-maxage', { cookie: 'a=b' }, cc('s-maxage=60'), 'stored'],
  ['safety', 'Set-Cookie', {}, { ...cc('public, max-age=60'), 'set-cookie': 'a=b' }, 'set-cookie'],
  [
    '9111 §5.2.2.4',
    'Set-Cookie that no-cache lists',
    {},
    { ...cc('no-cache="set-cookie", max-age=60'), 'set-cookie': 'a=b' },
    'stored',
  ],
  ['9111 §4.1', 'Vary: *', {}, { ...cc(fresh), vary: '*' }, 'vary'],
  ['9111 §4.1', 'Vary with a star among others', {}, { ...cc(fresh), vary: 'accept, *' }, 'vary'],
  [
    '9111 §4.1',
    'Vary with a star on a second line',
    {},
    [
      ['Cache-Control', fresh],
      ['Vary', 'accept'],
      ['Vary', '*'],
    ],
    'vary',
  ],
  ['9110 §12.5.5', 'Vary with what is no name', {}, { ...cc(fresh), vary: 'a b' }, 'vary'],
  ['safety', 'Vary: Authorization', {}, { ...cc(fresh), vary: 'Authorization' }, 'vary-credentials'],
  ['safety', 'Vary: Cookie', {}, { ...cc(fresh), vary: 'accept, cookie' }, 'vary-credentials'],
  [
    '9110 §12.5.3',
    'a coding that is not told apart',
    {},
    { ...cc(fresh), vary: 'accept-encoding', 'content-encoding': 'compress' },
    'content-encoding',
  ],
  ['9110 §12.5.3', 'a coding that is', {}, { ...cc(fresh), vary: 'accept-encoding', 'content-encoding': 'br' }, 'stored'],
  ['safety', 'a GET with a body', { 'content-length': '3' }, cc(fresh), 'request-body'],
  ['safety', 'a GET with an empty body', { 'content-length': '0' }, cc(fresh), 'stored'],
  ['safety', 'a GET with a chunked body', { 'transfer-encoding': 'chunked' }, cc(fresh), 'request-body'],
  [
    '9110 §12.5.3',
    'two codings that are',
    {},
    { ...cc(fresh), vary: 'accept-encoding', 'content-encoding': 'gzip, br' },
    'stored',
  ],
  ['9110 §12.5.3', 'x-gzip', {}, { ...cc(fresh), vary: 'accept-encoding', 'content-encoding': 'X-Gzip' }, 'stored'],
  ['9110 §12.5.3', 'a coding, and no Vary', {}, { ...cc(fresh), 'content-encoding': 'compress' }, 'stored'],
  ['safety', 'a GET with a length that is none', { 'content-length': 'x' }, cc(fresh), 'request-body'],
  ['safety', 'Cookie with must-revalidate', { cookie: 'a=b' }, cc('must-revalidate, max-age=60'), 'cookie'],
  ['safety', 'a Connection that lists Vary', {}, { ...cc(fresh), connection: 'close, Vary' }, 'connection'],
  ['safety', 'a Connection that lists a targeted field', {}, { ...cc(fresh), connection: 'CDN-Cache-Control' }, 'connection'],
  ['9110 §7.6.1', 'a Connection that lists others', {}, { ...cc(fresh), connection: 'x-a, close' }, 'stored'],
  ['9111 §3.1', 'a Connection that lists what rules', {}, { ...cc(fresh), connection: 'cache-control' }, 'connection'],
  ['9111 §3', 'nothing said', {}, {}, 'no-freshness'],
  ['9111 §4.2.2', 'a last change', {}, { 'last-modified': 'Sat, 05 Nov 1994 08:49:37 GMT' }, 'stored'],
  ['9111 §5.3', 'Expires', {}, { expires: 'Sun, 06 Nov 1994 08:50:37 GMT' }, 'stored'],
  ['9111 §5.3', 'Expires: 0', {}, { expires: '0' }, 'no-freshness'],
  ['5861 §3', 'max-age=0 that may be stale', {}, cc('max-age=0, stale-while-revalidate=5'), 'stored'],
  ['5861 §4', 'max-age=0 that helps against errors', {}, cc('max-age=0, stale-if-error=5'), 'stored'],
  [
    '9111 §4.2.4',
    'stale-if-error that must-revalidate forbids',
    {},
    cc('max-age=0, stale-if-error=5, must-revalidate'),
    'no-freshness',
  ],
  [
    '9111 §5.2.2.10',
    'stale-while-revalidate that s-maxage forbids',
    {},
    cc('s-maxage=0, stale-while-revalidate=5'),
    'no-freshness',
  ],
  ['9213 §2.2', 'a targeted field against no-store', {}, { ...cc('no-store'), 'cdn-cache-control': fresh }, 'stored'],
  ['9213 §2.2', 'a targeted no-store', {}, { ...cc(fresh), 'cdn-cache-control': 'no-store' }, 'no-store'],
  ['9213 §2.2', 'a targeted private', {}, { ...cc(fresh), 'cdn-cache-control': 'private' }, 'private'],
  [
    '9213 §2.1',
    'a targeted field that cannot be read',
    {},
    { ...cc('no-store'), 'cdn-cache-control': 'max-age=60, &&&' },
    'no-store',
  ],
  ['9213 §2.1', 'a targeted field in capitals', {}, { ...cc('no-store'), 'cdn-cache-control': 'MaX-aGe=60' }, 'no-store'],
  ['9213 §2.1', 'an empty targeted field', {}, { ...cc(fresh), 'cdn-cache-control': '' }, 'stored'],
  ['9213 §2.1', 'a targeted number in quotes', {}, { 'cdn-cache-control': 'max-age="60"' }, 'no-freshness'],
  ['9213 §2.1', 'a targeted flag that is false', {}, { 'cdn-cache-control': 'no-store=?0, max-age=60' }, 'stored'],
  ['9111 §5.2.2.3', 'must-understand lifts no-store', {}, cc('must-understand, no-store, max-age=60'), 'stored'],
  ['9111 §5.2.2.3', 'must-understand with an unknown status', {}, cc('must-understand, max-age=60'), 'must-understand', 299],
  ...[200, 203, 204, 299, 301, 302, 303, 307, 308, 404, 410, 451, 499, 500, 502, 503, 504, 599].map((status) =>
    statusRow(status, '9111 §3 explicit', cc(fresh), 'stored'),
  ),
  ...[206, 304].map((status) => statusRow(status, '9111 §3.3', cc(fresh), 'status')),
  ...[428, 429, 431, 511].map((status) => statusRow(status, '6585 §3-6', cc(fresh), 'status')),
  ...[400, 401, 403, 406, 407, 408, 412, 413, 416, 417, 421, 425, 426].map((status) =>
    statusRow(status, '9110 §15.5', cc('public, s-maxage=60'), 'status'),
  ),
  ...[200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501].map((status) =>
    statusRow(status, '9110 §15.1', { 'last-modified': 'Sat, 05 Nov 1994 08:49:37 GMT' }, 'stored'),
  ),
  ...[201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599].map((status) =>
    statusRow(status, '9110 §15.1', { 'last-modified': 'Sat, 05 Nov 1994 08:49:37 GMT' }, 'status'),
  ),
  statusRow(599, '9111 §4.2.2 public', { ...cc('public'), 'last-modified': 'Sat, 05 Nov 1994 08:49:37 GMT' }, 'stored'),
]

test.each(rows.map((row) => [`${row[0]}: a response with ${row[1]}`, row] as const))('%s', (_, row) => {
  const [, , request, response, expected, status] = row
  const verdict = storable(get(request), reply(response, status), times, policy())
  expect(verdict.store ? 'stored' : verdict.reason).toBe(expected)
})

test.each(['HEAD', 'POST', 'PUT', 'OPTIONS', 'PURGE'])('9111 §3: a response to %s is not stored', (method) => {
  expect(storable(get({}, method), reply(cc(fresh)), times, policy())).toEqual({ store: false, reason: 'method' })
})

test('a private cache stores what is meant for one', () => {
  const response = reply({ 'cache-control': 'private, max-age=60', 'set-cookie': 'a=b', vary: 'cookie' })
  const request = get({ authorization: 'x', cookie: 'a=b' })
  expect(storable(request, response, times, policy({ mode: 'private' })).store).toBe(true)
})

test('partitioned keys let responses to credentials be stored, but not private ones', () => {
  const partitioned = policy({ partitioned: true })
  const request = get({ authorization: 'x', cookie: 'a=b' })
  expect(storable(request, reply({ 'cache-control': fresh, vary: 'authorization' }), times, partitioned).store).toBe(true)
  expect(storable(request, reply(cc('private, max-age=60')), times, partitioned).store).toBe(false)
})

test('9111 §3.1: fields of the connection and of proxies are not stored', () => {
  const fields = {
    ...{ 'Cache-Control': 'no-cache="b", max-age=60', Connection: 'a, close', a: '1', b: '2', c: '3', 'Keep-Alive': 'x' },
    ...{ 'Proxy-Authenticate': 'x', 'Proxy-Authentication-Info': 'x', 'Proxy-Authorization': 'x', 'Proxy-Connection': 'x' },
    ...{ TE: 'x', Trailer: 'x', 'Transfer-Encoding': 'chunked', Upgrade: 'x', 'Set-Cookie': 'a=b' },
  }
  const verdict = storable(get(), reply(fields), times, policy({ setCookie: 'strip' }))
  expect(verdict.store && verdict.meta.headers).toEqual(['Cache-Control', 'no-cache="b", max-age=60', 'c', '3'])
})

test.each([404, 405, 410, 414, 501])('a default of freshness says nothing of a %i', (status) => {
  const rules = policy({ defaults: { freshMs: 60_000 } })
  expect(storable(get(), reply({}, status), times, rules)).toEqual({ store: false, reason: 'no-freshness' })
})

test.each([200, 203, 204, 300, 301, 308])('a default of freshness holds for a %i that says nothing', (status) => {
  expect(storable(get(), reply({}, status), times, policy({ defaults: { freshMs: 60_000 } })).store).toBe(true)
})

test.each([
  ['max-age=60', {}, 60],
  ['max-age=60', { age: '50' }, 10],
  ['max-age=60', { age: '70', etag: '"1"' }, 86_400],
  ['max-age=60', { etag: '"1"' }, 86_460],
  ['max-age=60', { 'last-modified': 'x' }, 86_460],
  ['max-age=60, stale-while-revalidate=5', {}, 65],
  ['max-age=60, stale-while-revalidate=5, stale-if-error=9', {}, 69],
  ['max-age=60, stale-if-error=9, must-revalidate', {}, 60],
  ['no-cache, max-age=60', { etag: '"1"' }, 86_400],
])('what says %j with %j is of use for %i s', (value, more, seconds) => {
  const fields: Record<string, string> = { 'cache-control': value, ...more }
  const verdict = storable(get(), reply(fields), times, policy())
  expect(verdict.store && usefulMs(verdict.meta, policy())).toBe(seconds * 1_000)
  expect(verdict.store && verdict.meta.keepUntilMs).toBe(verdict.store && verdict.meta.responseTimeMs + seconds * 1_000)
})

test('a tag that no-cache lists is not there to ask by', () => {
  expect(storable(get(), reply({ ...cc('no-cache="etag", max-age=0'), etag: '"1"' } as Fields), times, policy())).toEqual({
    ...{ store: false, reason: 'no-freshness' },
  })
})

test('9111 §5.2.1.2: what clients may put up with is kept for as long as what can be asked about', () => {
  const useful = (value: string) => {
    const verdict = storable(get(), reply({ 'cache-control': value }), times, policy({ requestDirectives: true }))
    return verdict.store && usefulMs(verdict.meta, policy({ requestDirectives: true }))
  }
  expect(useful('max-age=60')).toBe(60_000 + policy().keepMs)
  expect(useful('max-age=60, must-revalidate')).toBe(60_000)
})
