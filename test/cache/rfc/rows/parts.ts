import type { Fields } from '../../support/scripted-origin.ts'
import { at, cc, origin, type Row, row, store } from '../row.ts'

const ranges = '9110 §14.1.2'
const digits = '0123456789'
const whole = (fields: Fields = {}) => origin(cc('max-age=60', fields), { answer: { body: digits } })
const one = (level: Row['level'], says: string, range: string, text: string, contentRange: string): Row =>
  row(
    ranges,
    level,
    says,
    whole(),
    store({
      headers: { range },
      status: 206,
      text,
      gets: { 'content-range': contentRange, 'content-length': String(text.length), age: '0' },
    }),
  )
const ignored = (level: Row['level'], says: string, range: string): Row =>
  row(
    '9110 §14.2',
    level,
    says,
    whole(),
    store({ headers: { range }, status: 200, text: digits, gets: { 'content-range': null } }),
  )
const beyond = (says: string, range: string): Row =>
  row(
    '9110 §15.5.17',
    'MUST',
    says,
    whole(),
    store({ headers: { range }, status: 416, text: '', gets: { 'content-range': 'bytes */10' } }),
  )
const several = (says: string, range: string, parts: readonly (readonly [string, string])[]): Row =>
  row(
    '9110 §14.6',
    'MUST',
    says,
    whole({ 'content-type': 'text/x' }),
    store({
      ...{ headers: { range }, status: 206 },
      matches: new RegExp(
        `^${parts.map(([range, text]) => `(?:\\r\\n)?--\\w+\\r\\nContent-Type: text/x\\r\\nContent-Range: bytes ${range}/10\\r\\n\\r\\n${text}`).join('')}\\r\\n--\\w+--\\r\\n$`,
      ),
      gets: { 'content-type': /^multipart\/byteranges; boundary=\w+$/, 'content-range': null },
    }),
  )
const ifRange = (level: Row['level'], says: string, fields: Fields, value: string, isPart: boolean): Row =>
  row(
    '9110 §13.1.5',
    level,
    says,
    whole(fields),
    store({ headers: { range: 'bytes=0-1', 'if-range': value }, status: isPart ? 206 : 200, text: isPart ? '01' : digits }),
  )

export const parts: readonly Row[] = [
  one('MUST', 'first and last', 'bytes=2-5', '2345', 'bytes 2-5/10'),
  one('MUST', 'one byte', 'bytes=0-0', '0', 'bytes 0-0/10'),
  one('MUST', 'from one on', 'bytes=7-', '789', 'bytes 7-9/10'),
  one('MUST', 'all of it', 'bytes=0-', digits, 'bytes 0-9/10'),
  one('MUST', 'the last ones', 'bytes=-3', '789', 'bytes 7-9/10'),
  one('MUST', 'more of the last ones than there are', 'bytes=-30', digits, 'bytes 0-9/10'),
  one('MUST', 'a last one beyond the end', 'bytes=8-100', '89', 'bytes 8-9/10'),
  one('MUST', 'the unit in any case', 'BYTES=0-1', '01', 'bytes 0-1/10'),
  one('MUST', 'of two only one is there', 'bytes=100-200, 0-1', '01', 'bytes 0-1/10'),
  one('MUST', 'empty members are none', 'bytes=,0-1,', '01', 'bytes 0-1/10'),
  several('two of them', 'bytes=0-1, 4-5', [
    ['0-1', '01'],
    ['4-5', '45'],
  ]),
  several('in the order in which they were asked for', 'bytes=4-5, 0-1', [
    ['4-5', '45'],
    ['0-1', '01'],
  ]),
  several('first, last and the last ones', 'bytes=0-0,5-6,-1', [
    ['0-0', '0'],
    ['5-6', '56'],
    ['9-9', '9'],
  ]),
  beyond('from the end on', 'bytes=10-'),
  beyond('beyond the end', 'bytes=100-200'),
  beyond('none of the last ones', 'bytes=-0'),
  beyond('none of two', 'bytes=10-, 20-30'),
  ignored('MUST', 'the last before the first', 'bytes=5-2'),
  ignored('MAY', 'another unit', 'lines=0-1'),
  ignored('MUST', 'no number', 'bytes=a-b'),
  ignored('MUST', 'no dash', 'bytes=5'),
  ignored('MUST', 'nothing', 'bytes='),
  ignored('MUST', 'a dash alone', 'bytes=-'),
  ignored('MUST', 'a right one and a wrong one', 'bytes=0-1,x'),
  ignored('MAY', 'such as overlap', 'bytes=0-5,3-8'),
  ignored('MAY', 'seventeen of them', `bytes=${Array.from({ length: 17 }, () => '0-0').join()}`),
  ignored('MUST', 'a negative one', 'bytes=--1'),
  row(
    '9110 §14.2',
    'MUST',
    'HEAD has no ranges',
    whole(),
    store({
      method: 'HEAD',
      headers: { range: 'bytes=0-1' },
      status: 200,
      gets: { 'content-length': '10', 'content-range': null },
    }),
  ),
  row(
    '9110 §14.2',
    'MUST',
    'only a 200 has ranges',
    origin(cc('max-age=60'), { answer: { status: 404, body: digits } }),
    store({ headers: { range: 'bytes=0-1' }, status: 404, text: digits }),
  ),
  row(
    '9110 §13.2.2',
    'MUST',
    'what the client has already is a 304, not a range',
    whole({ etag: '"1"' }),
    store({ headers: { range: 'bytes=0-1', 'if-none-match': '"1"' }, status: 304 }),
  ),
  ifRange('MUST', 'the same strong tag', { etag: '"1"' }, '"1"', true),
  ifRange('MUST', 'another tag', { etag: '"1"' }, '"2"', false),
  ifRange('MUST', 'a weak tag is never the same', { etag: 'W/"1"' }, 'W/"1"', false),
  ifRange('MUST', 'a weak tag of the client is not either', { etag: '"1"' }, 'W/"1"', false),
  ifRange('MUST', 'no tag is stored', {}, '"1"', false),
  ifRange('MUST', 'the date of the last change, when it is long past', { 'last-modified': at(-100) }, at(-100), true),
  ifRange('MUST', 'another date', { 'last-modified': at(-100) }, at(-50), false),
  ifRange('MUST', 'a last change in the second in which it was sent', { 'last-modified': at(0) }, at(0), false),
  row(
    '9110 §15.3.7',
    'MUST',
    'a 206 has the fields of the 200',
    whole({ etag: '"1"', vary: 'x', 'content-location': '/here', expires: at(90), a: '1' }),
    store({
      ...{ headers: { range: 'bytes=0-1' }, status: 206, text: '01' },
      gets: {
        etag: '"1"',
        vary: 'x',
        'content-location': '/here',
        expires: at(90),
        'cache-control': 'max-age=60',
        date: at(0),
        a: '1',
      },
    }),
  ),
  row(
    '9111 §3.3',
    'MUST',
    'a range of what came without a length',
    origin(cc('max-age=60'), { answer: { body: digits, isChunked: true } }),
    store({ headers: { range: 'bytes=2-3' }, status: 206, text: '23', gets: { 'content-range': 'bytes 2-3/10' } }),
  ),
  row(
    '9111 §3',
    'ours',
    'a range that nothing is stored for goes to the origin as it is',
    origin(cc('max-age=60', { 'content-range': 'bytes 0-1/10' }), {
      headers: { range: 'bytes=0-1' },
      answer: { status: 206, body: '01' },
      sees: { range: 'bytes=0-1' },
    }),
  ),
  row(
    '9111 §3',
    'MAY',
    'the whole that comes for a range is stored',
    origin(cc('max-age=60'), { headers: { range: 'bytes=0-1' }, answer: { body: digits } }),
    store({ text: digits }),
  ),
]
