import { at, cc, origin, type Row, row, store } from '../row.ts'

const rule = '9111 §4.4'
const stored = origin(cc('max-age=600'), { target: '/a' })
const again = origin(cc('max-age=600'), { target: '/a' })
const kept = store({ target: '/a', of: 1 })
const post = (target: string, fields = {}, status = 200, method = 'POST') =>
  origin(fields, { method, target, body: 'x', answer: { status } })

export const invalidation: readonly Row[] = [
  ...['POST', 'PUT', 'PATCH', 'DELETE', 'PROPPATCH', 'M-SEARCH'].map((method) =>
    row(rule, 'MUST', `${method} makes what is stored invalid`, stored, post('/a', {}, 200, method), again),
  ),
  ...['GET', 'HEAD', 'OPTIONS'].map((method) =>
    row(rule, 'MUST', `${method} is safe, and makes nothing else invalid`, stored, origin({}, { method, target: '/b' }), kept),
  ),
  row(rule, 'MUST', 'OPTIONS of the same makes nothing invalid', stored, origin({}, { method: 'OPTIONS', target: '/a' }), kept),
  ...[200, 201, 204, 205, 301, 302, 303, 307, 308].map((status) =>
    row(rule, 'MUST', `${status} is no error`, stored, post('/a', {}, status), again),
  ),
  ...[400, 401, 403, 404, 409, 412, 422, 500, 502, 503, 504].map((status) =>
    row(rule, 'MUST', `${status} is an error, and nothing is made invalid`, stored, post('/a', {}, status), kept),
  ),
  row(rule, 'MUST', 'other paths stay', stored, post('/b'), kept),
  row(rule, 'MUST', 'other queries stay', stored, post('/a?x'), kept),
  row(rule, 'MAY', 'what Location names', stored, post('/b', { location: '/a' }, 201), again),
  row(rule, 'MAY', 'what Location names whole', stored, post('/b', { location: 'http://shop.example/a' }, 201), again),
  row(
    rule,
    'MAY',
    'what Location names from where it is',
    origin(cc('max-age=600'), { target: '/x/a' }),
    post('/x/b', { location: 'a' }, 201),
    origin(cc('max-age=600'), { target: '/x/a' }),
  ),
  row(rule, 'MAY', 'what Content-Location names', stored, post('/b', { 'content-location': '/a' }), again),
  row(
    rule,
    'MUST',
    'not what Location names of another host',
    stored,
    post('/b', { location: 'http://other.example/a' }, 201),
    kept,
  ),
  row(
    rule,
    'MUST',
    'not what Location names of another scheme',
    stored,
    post('/b', { location: 'https://shop.example/a' }, 201),
    kept,
  ),
  row(
    rule,
    'MUST',
    'not what Location names of another port',
    stored,
    post('/b', { location: 'http://shop.example:81/a' }, 201),
    kept,
  ),
  row(
    rule,
    'MUST',
    'not what Content-Location names of another host',
    stored,
    post('/b', { 'content-location': '//other.example/a' }),
    kept,
  ),
  row(rule, 'MUST', 'nor what an error names', stored, post('/b', { location: '/a' }, 500), kept),
  row(rule, 'ours', 'a Location that is none', stored, post('/b', { location: 'http://[' }, 201), kept),
  row(
    rule,
    'MUST',
    'all variants of it',
    origin(cc('max-age=600', { vary: 'foo' }), { target: '/a', headers: { foo: '1' } }),
    origin(undefined, { target: '/a', headers: { foo: '2' } }),
    post('/a', {}, 204),
    origin(cc('max-age=600', { vary: 'foo' }), { target: '/a', headers: { foo: '1' } }),
    origin(undefined, { target: '/a', headers: { foo: '2' } }),
  ),
  row(
    rule,
    'MUST',
    'what was fresh and has a tag is asked for anew',
    origin(cc('max-age=600', { etag: '"1"' }), { target: '/a' }),
    post('/a'),
    origin(cc('max-age=600'), { target: '/a' }),
  ),
  row(
    rule,
    'MUST',
    'it goes through first',
    stored,
    origin({}, { method: 'PUT', target: '/a', body: 'new', answer: { status: 204 } }),
    again,
    store({ target: '/a' }),
  ),
  row('9111 §4', 'MUST', 'unsafe methods are never answered from the store', stored, post('/a'), post('/a')),
  row(rule, 'MUST', 'a date says nothing of it', origin({ expires: at(600) }, { target: '/a' }), post('/a'), again),
]
