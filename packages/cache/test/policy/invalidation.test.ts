import { invalidates } from '@gatelet/cache'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Fields, get, reply } from './fakes.ts'

const text = ({ scheme, host, port, path, search }: ReturnType<typeof invalidates>[number]): string =>
  `${scheme}://${host}${port === undefined ? '' : `:${port}`}${path}${search}`
const own = 'https://a.example/x'

// section, method, status, response, URLs beside its own; undefined where not even its own
const rows: readonly (readonly [string, string, number, Fields, readonly string[] | undefined])[] = [
  ...['POST', 'PUT', 'PATCH', 'DELETE', 'MKCOL', 'FOO', 'PURGE', 'get'].map(
    (method) => ['9111 §4.4', method, 200, {}, []] as const,
  ),
  ...['GET', 'HEAD', 'OPTIONS', 'TRACE'].map((method) => ['9110 §9.2.1', method, 200, {}, undefined] as const),
  ...[200, 201, 202, 204, 206, 299, 300, 301, 302, 303, 304, 307, 308, 399].map(
    (status) => ['9111 §4.4', 'POST', status, {}, []] as const,
  ),
  ...[101, 400, 403, 404, 409, 412, 429, 500, 502, 503, 599].map(
    (status) => ['9111 §4.4', 'POST', status, {}, undefined] as const,
  ),
  ['9111 §4.4', 'POST', 500, { location: '/y' }, undefined],
  ['9110 §9.2.1', 'GET', 302, { location: '/y' }, undefined],
  ['9111 §4.4', 'POST', 201, { location: '/y' }, ['https://a.example/y']],
  ['9111 §4.4', 'PUT', 200, { 'content-location': '/y?a=1' }, ['https://a.example/y?a=1']],
  ['9111 §4.4', 'POST', 201, { location: '/y', 'content-location': '/z' }, ['https://a.example/y', 'https://a.example/z']],
  ['9110 §10.2.2', 'POST', 303, { location: 'y' }, ['https://a.example/y']],
  ['9110 §10.2.2', 'POST', 303, { location: '' }, [own]],
  ['9110 §10.2.2', 'POST', 303, { location: '?q' }, ['https://a.example/x?q']],
  ['9110 §10.2.2', 'POST', 303, { location: '/y#part' }, ['https://a.example/y']],
  ['3986 §6.2.2', 'POST', 303, { location: '/a/../%79' }, ['https://a.example/y']],
  ['3986 §6.2.3', 'POST', 303, { location: 'https://A.example:443/y' }, ['https://a.example/y']],
  ['9111 §4.4', 'POST', 303, { location: '//a.example/y' }, ['https://a.example/y']],
  ['9111 §4.4', 'POST', 303, { location: 'https://b.example/y' }, []],
  ['9111 §4.4', 'POST', 303, { location: '//b.example/y' }, []],
  ['9111 §4.4', 'POST', 303, { location: 'http://a.example/y' }, []],
  ['9111 §4.4', 'POST', 303, { location: 'https://a.example:8443/y' }, []],
  ['9111 §4.4', 'POST', 303, { location: 'https://a.example.b.example/y' }, []],
  ['9111 §4.4', 'POST', 303, { location: 'https://a.example@b.example/y' }, []],
  ['9111 §4.4', 'POST', 303, { location: 'https://u:p@a.example/y' }, ['https://a.example/y']],
  ['9111 §4.4', 'POST', 303, { location: '\\\\b.example/y' }, []],
  ['9111 §4.4', 'POST', 303, { location: 'https://' }, []],
  ['9111 §4.4', 'POST', 303, { location: 'http://[' }, []],
  ['9111 §4.4', 'POST', 303, { location: 'javascript:alert(1)' }, []],
  ['9111 §4.4', 'POST', 303, { location: 'data:,x' }, []],
  ['9111 §4.4', 'POST', 303, { location: '/%' }, []],
]

test.each(rows)('%s: %s answered by %i with %j', (_section, method, status, fields, others) => {
  const urls = invalidates(get({}, method), reply(fields, status)).map(text)
  expect(urls).toEqual(others === undefined ? [] : [own, ...others])
})

test('9111 §4.4: nothing of another origin is ever named, whatever a response says', () => {
  const piece = fc.constantFrom(
    '/',
    '\\',
    'http:',
    'https:',
    '//',
    'a.example',
    'b.example',
    '@',
    ':443',
    '..',
    '%2e',
    '?',
    '#',
    'y',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const urls = invalidates(get({}, 'POST'), reply({ location: pieces.join('') })).map(text)
      expect(urls.every((url) => url.startsWith('https://a.example/'))).toBe(true)
    }),
    { seed: 9111, numRuns: 1_000 },
  )
})
