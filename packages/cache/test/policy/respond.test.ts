import { respond } from '@gatelet/cache'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { httpDate } from '../../src/policy/http-date.ts'
import { at, type Fields, get, kept, policy } from './fakes.ts'

const changed = 'Sun, 06 Nov 1994 08:32:57 GMT'
const born = 'Sun, 06 Nov 1994 08:49:37 GMT'
const strong = { etag: '"1"' }
const dated = { 'last-modified': changed, date: born }

const stored = (fields: Readonly<Record<string, string>>, status = 200, bodyBytes = 10) =>
  kept({ 'cache-control': 'max-age=60', ...fields }, { status, bodyBytes })

// section, request, stored fields, status of the answer, status of what is stored (200)
type Row = readonly [section: string, request: Fields, stored: Readonly<Record<string, string>>, status: number, of?: number]

const conditional: readonly Row[] = [
  ['9111 §4.3.2', {}, strong, 200],
  ['9111 §4.3.2', { 'if-none-match': '"1"' }, strong, 304],
  ['9111 §4.3.2', { 'if-none-match': '"2"' }, strong, 200],
  ['9111 §4.3.2', { 'if-none-match': '"1"' }, {}, 200],
  ['9110 §13.1.2', { 'if-none-match': '*' }, strong, 304],
  ['9110 §13.1.2', { 'if-none-match': ' * ' }, {}, 304],
  ['9110 §13.1.2', { 'if-none-match': '"*"' }, strong, 200],
  ['9110 §13.1.2', { 'if-none-match': '"0", "1", "2"' }, strong, 304],
  ['9110 §13.1.2', { 'if-none-match': '"0","1"' }, strong, 304],
  ['9110 §5.6.1', { 'if-none-match': ', ,"1",,' }, strong, 304],
  ['9110 §13.1.2', { 'if-none-match': '"0, 1"' }, { etag: '"1"' }, 200],
  ['9110 §13.1.2', { 'if-none-match': '"0, 1"' }, { etag: '"0, 1"' }, 304],
  [
    '9110 §5.3',
    [
      ['If-None-Match', '"0"'],
      ['If-None-Match', '"1"'],
    ],
    strong,
    304,
  ],
  ['9110 §8.8.3.2', { 'if-none-match': 'W/"1"' }, strong, 304],
  ['9110 §8.8.3.2', { 'if-none-match': '"1"' }, { etag: 'W/"1"' }, 304],
  ['9110 §8.8.3.2', { 'if-none-match': 'W/"1"' }, { etag: 'W/"1"' }, 304],
  ['9110 §8.8.3.2', { 'if-none-match': 'W/"2"' }, { etag: 'W/"1"' }, 200],
  ['9110 §8.8.3', { 'if-none-match': '"A"' }, { etag: '"a"' }, 200],
  ['9110 §8.8.3', { 'if-none-match': '""' }, { etag: '""' }, 304],
  ['9110 §8.8.3', { 'if-none-match': 'w/"1"' }, { etag: '"2"' }, 200],
  ['9110 §8.8.3', { 'if-none-match': '"1' }, strong, 200],
  ['9110 §8.8.3', { 'if-none-match': 'abc' }, { etag: 'abc' }, 304],
  ['9110 §13.1.2', { 'if-none-match': '' }, strong, 200],
  ['9110 §13.1.3', { 'if-modified-since': changed }, dated, 304],
  ['9110 §13.1.3', { 'if-modified-since': born }, dated, 304],
  ['9110 §13.1.3', { 'if-modified-since': 'Sun, 06 Nov 1994 08:32:56 GMT' }, dated, 200],
  ['9110 §5.6.7', { 'if-modified-since': 'Sunday, 06-Nov-94 08:32:57 GMT' }, dated, 304],
  ['9110 §5.6.7', { 'if-modified-since': 'Sun Nov  6 08:32:57 1994' }, dated, 304],
  ['9110 §13.1.3', { 'if-modified-since': 'yesterday' }, dated, 200],
  ['9110 §13.1.3', { 'if-modified-since': '' }, dated, 200],
  ['9110 §13.1.3', { 'if-modified-since': `${changed}, ${changed}` }, dated, 200],
  ['9111 §4.3.2', { 'if-modified-since': born }, { date: born }, 304],
  ['9111 §4.3.2', { 'if-modified-since': changed }, { date: born }, 200],
  ['9111 §4.3.2', { 'if-modified-since': born }, {}, 304],
  ['9111 §4.3.2', { 'if-modified-since': changed }, {}, 200],
  ['9110 §13.1.3', { 'if-modified-since': born, 'if-none-match': '"2"' }, { ...strong, ...dated }, 200],
  ['9110 §13.1.3', { 'if-modified-since': changed, 'if-none-match': '"1"' }, { ...strong, ...dated }, 304],
  ['9110 §13.2.1', { 'if-none-match': '"1"' }, strong, 304, 203],
  ['9110 §13.2.1', { 'if-none-match': '"1"' }, strong, 304, 204],
  ['9110 §13.2.1', { 'if-modified-since': changed }, dated, 304, 299],
  ['9110 §13.2.1', { 'if-none-match': '"1"' }, strong, 301, 301],
  ['9110 §13.2.1', { 'if-none-match': '*' }, strong, 404, 404],
  ['9110 §13.2.1', { 'if-none-match': '"1"' }, strong, 503, 503],
  ['9110 §13.2.1', { 'if-modified-since': changed }, dated, 410, 410],
]

const withStatus = conditional.map(([section, request, fields, status, of = 200]) => {
  return [section, request, fields, status, of] as const
})

test.each(withStatus)('%s: to %j, %j is a %i', (_section, request, fields, status, of) => {
  const answer = respond(get(request), stored(fields, of), at(1), policy())
  expect(answer.status).toBe(status)
  expect(answer.body).toBe(status === 304 ? 'none' : 'whole')
})

test.each(withStatus)('%s: HEAD with %j for %j is a %i too, without a body', (_section, request, fields, status, of) => {
  expect(respond(get(request, 'HEAD'), stored(fields, of), at(1), policy())).toMatchObject({ status, body: 'none' })
})

test('9110 §15.4.5: a 304 has what a 200 would have said, but for the body', () => {
  const fields = {
    ...{ Date: born, ETag: '"1"', Vary: 'accept', Expires: born, 'Content-Location': '/y', 'X-A': '1' },
    ...{ 'Content-Type': 'text/plain', 'Content-Length': '10', 'Content-Encoding': 'gzip', 'Content-Language': 'en' },
    ...{ 'Last-Modified': changed },
  }
  const answer = respond(get({ 'if-none-match': '"1"' }), stored(fields), at(1), policy())
  expect(Object.fromEntries(answer.headers)).toEqual({
    ...{ 'cache-control': 'max-age=60', Date: born, ETag: '"1"', Vary: 'accept', Expires: born, 'Content-Location': '/y' },
    ...{ 'X-A': '1', Age: '1', 'Cache-Status': 'gatelet; hit; ttl=59' },
  })
})

test('9110 §15.4.5: a 304 tells the last change where there is no tag', () => {
  const answer = respond(get({ 'if-modified-since': changed }), stored(dated), at(1), policy())
  expect(answer.headers.get('last-modified')).toBe(changed)
})

// section, Range, more of the request, stored fields, the ranges, or the status where there are none; of 10 bytes
type RangeRow = readonly [
  section: string,
  range: string,
  request: Readonly<Record<string, string>>,
  stored: Readonly<Record<string, string>>,
  result: readonly (readonly [start: number, end: number])[] | number,
]
const range = (text: string, result: RangeRow[4], section = '9110 §14.1.2'): RangeRow => [section, text, {}, {}, result]
const ifRange = (
  text: string,
  fields: Readonly<Record<string, string>>,
  result: RangeRow[4],
  section = '9110 §13.1.5',
): RangeRow => [section, 'bytes=0-1', { 'if-range': text }, fields, result]

const ranged: readonly RangeRow[] = [
  range('bytes=0-0', [[0, 0]]),
  range('bytes=0-1', [[0, 1]]),
  range('bytes=2-', [[2, 9]]),
  range('bytes=9-', [[9, 9]]),
  range('bytes=0-', [[0, 9]]),
  range('bytes=5-99', [[5, 9]]),
  range('bytes=5-99999999999999999999999999', [[5, 9]]),
  range('bytes=-1', [[9, 9]]),
  range('bytes=-10', [[0, 9]]),
  range('bytes=-99', [[0, 9]]),
  range('bytes=-99999999999999999999999999', [[0, 9]]),
  range('bytes=007-8', [[7, 8]]),
  range('BYTES=0-1', [[0, 1]], '9110 §14.1'),
  range(' bytes=0-1 ', [[0, 1]]),
  range('bytes=0-1, 4-5', [
    [0, 1],
    [4, 5],
  ]),
  range('bytes=4-5,0-1', [
    [4, 5],
    [0, 1],
  ]),
  range('bytes=0-1,-1', [
    [0, 1],
    [9, 9],
  ]),
  range('bytes=,0-1,,', [[0, 1]], '9110 §5.6.1'),
  range('bytes=0-1, 99-', [[0, 1]]),
  range('bytes=0-1, -0', [[0, 1]]),
  range('bytes=10-', 416, '9110 §15.5.17'),
  range('bytes=10-11', 416, '9110 §15.5.17'),
  range('bytes=99999999999999999999999999-', 416, '9110 §15.5.17'),
  range('bytes=-0', 416, '9110 §14.1.2'),
  range('bytes=10-, 20-', 416, '9110 §15.5.17'),
  ...['bytes=', 'bytes=,', 'bytes', '', 'bytes=-', 'bytes=a-b', 'bytes=1', 'bytes=2-1', 'bytes=0-1-2', 'bytes=+1-2'].map((text) =>
    range(text, 200, '9110 §14.2'),
  ),
  ...['bytes=0-1,x', 'bytes=0-1,2-1', 'bytes =0-1', 'bytes=0x0-1', 'items=0-1', 'bytes=0 - 1', 'bytes=1.0-2'].map((text) =>
    range(text, 200, '9110 §14.2'),
  ),
  ...['bytes=0-1,1-2', 'bytes=0-,0-', 'bytes=0-5,-8', 'bytes=2-3,0-9'].map((text) => range(text, 200, '9110 §17.15')),
  range(`bytes=${'0-0,'.repeat(1_000)}`, 200, '9110 §17.15'),
  ifRange('"1"', strong, [[0, 1]]),
  ifRange(' "1" ', strong, [[0, 1]]),
  ifRange('"2"', strong, 200),
  ifRange('"1"', {}, 200),
  ifRange('W/"1"', strong, 200),
  ifRange('W/"1"', { etag: 'W/"1"' }, 200),
  ifRange('"1"', { etag: 'W/"1"' }, 200),
  ifRange('"1", "2"', strong, 200),
  ifRange('*', strong, 200),
  ifRange(changed, dated, [[0, 1]]),
  ifRange(changed, { ...dated, ...strong }, [[0, 1]]),
  ifRange(born, dated, 200),
  ifRange('Sunday, 06-Nov-94 08:32:57 GMT', dated, 200),
  ifRange('yesterday', dated, 200),
  ifRange('', dated, 200),
  ifRange(changed, { 'last-modified': changed }, 200, '9110 §8.8.2.2'),
  ifRange(changed, { 'last-modified': changed, date: changed }, 200, '9110 §8.8.2.2'),
  ifRange(changed, { 'last-modified': changed, date: 'Sun, 06 Nov 1994 08:32:58 GMT' }, [[0, 1]], '9110 §8.8.2.2'),
  ['9110 §13.2.2', 'bytes=0-1', { 'if-none-match': '"1"' }, strong, 304],
  ['9110 §13.2.2', 'bytes=0-1', { 'if-none-match': '"1"', 'if-range': '"1"' }, strong, 304],
  ['9110 §13.2.2', 'bytes=99-', { 'if-none-match': '"1"' }, strong, 304],
  ['9110 §13.2.2', 'bytes=0-1', { 'if-none-match': '"2"' }, strong, [[0, 1]]],
  ['9110 §13.1.5', 'bytes=99-', { 'if-range': '"2"' }, strong, 200],
]

test.each(ranged)('%s: Range: %s with %j of %j is %j', (_section, text, request, fields, result) => {
  const answer = respond(get({ range: text, ...request }), stored(fields), at(1), policy())
  if (typeof result === 'number') {
    expect(answer).toMatchObject({ status: result, body: result === 200 ? 'whole' : 'none' })
    expect(answer.headers.get('content-range')).toBe(result === 416 ? 'bytes */10' : undefined)
  } else {
    expect(answer).toMatchObject({ status: 206, body: result.map(([start, end]) => ({ start, end })) })
  }
})

test('9110 §15.3.7.1: a single range has its place and length in the header', () => {
  const fields = { 'Content-Type': 'a/b', 'Content-Length': '10', ...strong }
  const { headers } = respond(get({ range: 'bytes=2-4' }), stored(fields), at(1), policy())
  expect(headers.get('content-range')).toBe('bytes 2-4/10')
  expect(headers.getAll('content-length')).toEqual(['3'])
  expect(headers.get('content-type')).toBe('a/b')
  expect(headers.get('etag')).toBe('"1"')
  expect(headers.get('age')).toBe('1')
})

test('9110 §15.3.7.2: several ranges have no place in the header, and their length is not known yet', () => {
  const { headers } = respond(get({ range: 'bytes=0-1,4-5' }), stored({ 'content-length': '10' }), at(1), policy())
  expect(headers.has('content-range')).toBe(false)
  expect(headers.has('content-length')).toBe(false)
})

test('9110 §15.5.17: a 416 tells the length, and nothing that holds for the whole only', () => {
  const fields = {
    ...{ 'content-type': 'a/b', 'content-encoding': 'gzip', 'content-length': '10', expires: born, ...strong, ...dated },
    ...{ 'cdn-cache-control': 'max-age=60', vary: 'origin', 'access-control-allow-origin': '*' },
  }
  const { headers } = respond(get({ range: 'bytes=10-' }), stored(fields), at(1), policy())
  expect(Object.fromEntries(headers)).toEqual({
    ...{ date: born, vary: 'origin', 'access-control-allow-origin': '*', Age: '1', 'Cache-Status': 'gatelet; hit; ttl=59' },
    ...{ 'Content-Range': 'bytes */10', 'Content-Length': '0' },
  })
})

test.each([203, 204, 301, 404, 503])('9110 §14.2: a range of a %i is the whole', (status) => {
  expect(respond(get({ range: 'bytes=0-1' }), stored({}, status), at(1), policy())).toMatchObject({ status, body: 'whole' })
})

test('9110 §14.2: HEAD knows no ranges', () => {
  const answer = respond(get({ range: 'bytes=0-1' }, 'HEAD'), stored({}), at(1), policy())
  expect(answer).toMatchObject({ status: 200, body: 'none' })
  expect(answer.headers.get('content-length')).toBe('10')
})

test('a range of a body whose length is not known is the whole', () => {
  const answer = respond(get({ range: 'bytes=0-1' }), kept({ 'cache-control': 'max-age=60' }), at(1), policy())
  expect(answer).toMatchObject({ status: 200, body: 'whole' })
})

test.each(['bytes=0-', 'bytes=0-0', 'bytes=-1'])('9110 §14.1.2: nothing of an empty body is %s', (text) => {
  const answer = respond(get({ range: text }), stored({}, 200, 0), at(1), policy())
  expect([answer.status, answer.headers.get('content-range')]).toEqual([416, 'bytes */0'])
})

test.each([
  [200, '10'],
  [404, '10'],
  [204, undefined],
])('9110 §8.6: HEAD of a stored %i says its length: %s', (status, length) => {
  const { headers } = respond(get({}, 'HEAD'), stored({}, status), at(1), policy())
  expect(headers.get('content-length')).toBe(length)
})

test.each([
  ['9111 §4.2.3', {}, 0, '0'],
  ['9111 §4.2.3', {}, 1.999, '1'],
  ['9111 §4.2.3', { age: '5' }, 2, '7'],
  ['9111 §4.2.3', { Age: '5' }, 2, '7'],
  ['9111 §4.2.3', { date: 'Sun, 06 Nov 1994 08:49:27 GMT' }, 2, '12'],
  ['9111 §4.2.3', { date: 'Sun, 06 Nov 1994 08:49:27 GMT', age: '5' }, 2, '12'],
  ['9111 §4.2.3', { date: 'Sun, 06 Nov 1994 08:49:47 GMT' }, 2, '2'],
  ['9111 §4.2.3', {}, -100, '100'],
  ['9111 §5.1', { age: 'x' }, 2, '2'],
])('%s: with %j, after %d s the age is %s', (_section, fields, later, age) => {
  const record: Record<string, string> = fields
  expect(respond(get(), stored(record), at(later), policy()).headers.getAll('age')).toEqual([age])
})

test('9111 §4.2.3: the time that the answer took counts', () => {
  const late = { ...stored({ age: '5' }), responseTimeMs: at(3) }
  expect(respond(get(), late, at(4), policy()).headers.get('age')).toBe('9')
})

test('an answer is a copy: what is changed in it stays as it is in the store', () => {
  const meta = stored({ 'x-a': '1' })
  respond(get(), meta, at(1), policy()).headers.set('x-a', '2').append('x-b', '1')
  expect(respond(get(), meta, at(1), policy()).headers.get('x-a')).toBe('1')
})

describe('properties', () => {
  const spec = fc.oneof(
    fc.tuple(fc.nat(40), fc.nat(40)).map(([first, last]) => `${first}-${last}`),
    fc.nat(40).map((first) => `${first}-`),
    fc.nat(40).map((last) => `-${last}`),
    fc.string({ maxLength: 4 }).filter((text) => /^[ -~]*$/.test(text)),
  )
  test('ranges lie in the body, overlap nowhere, and their header says the truth, whatever is asked', () => {
    fc.assert(
      fc.property(fc.array(spec, { maxLength: 20 }), fc.nat(30), (specs, bytes) => {
        const answer = respond(get({ range: `bytes=${specs.join(',')}` }), stored({}, 200, bytes), at(1), policy())
        expect([200, 206, 416]).toContain(answer.status)
        if (typeof answer.body === 'string') return
        const covered = answer.body.flatMap(({ start, end }) => Array.from({ length: end - start + 1 }, (_, i) => start + i))
        expect(answer.body.length).toBeLessThanOrEqual(16)
        expect(new Set(covered).size).toBe(covered.length)
        expect(covered.every((byte) => byte >= 0 && byte < bytes)).toBe(true)
        if (answer.body.length === 1) expect(answer.headers.get('content-length')).toBe(String(covered.length))
      }),
      { seed: 9110, numRuns: 1_000 },
    )
  })

  test('who sends back the tag or the last change that we sent is told 304, and who sends another one is not', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!#-~]{0,9}$/), fc.boolean(), fc.integer({ min: 1, max: 10_000 }), (text, weak, ago) => {
        const etag = `${weak ? 'W/' : ''}"${text}"`
        const meta = stored({ etag, 'last-modified': httpDate(at(-ago)), date: born })
        const status = (request: Fields) => respond(get(request), meta, at(1), policy()).status
        expect(status({ 'if-none-match': etag })).toBe(304)
        expect(status({ 'if-none-match': `"${text}x"` })).toBe(200)
        expect(status({ 'if-modified-since': httpDate(at(-ago)) })).toBe(304)
        expect(status({ 'if-modified-since': httpDate(at(-ago - 1)) })).toBe(200)
      }),
      { seed: 9110 },
    )
  })
})

test('9110 §6.6.1: what came without a Date tells when it came', () => {
  const { headers } = respond(get(), stored({}), at(30), policy())
  expect(headers.get('date')).toBe(httpDate(at(0)))
})
