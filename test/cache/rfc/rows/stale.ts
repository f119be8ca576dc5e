import { cc, nobody, origin, type Row, refreshed, rescued, row, store, under, validated } from '../row.ts'

const swr = '5861 §3'
const sie = '5861 §4'
const forbidden = '9111 §4.2.4'
const while_ = 'max-age=5, stale-while-revalidate=20'
const ifError = 'max-age=5, stale-if-error=20'
const forbidding = ['must-revalidate', 'proxy-revalidate', 's-maxage=5', 'no-cache']
/** The origin fails, and the client is told. */
const fails = (after: number, status = 503) => origin({}, { after, answer: { status } })

export const stale: readonly Row[] = [
  row(
    swr,
    'MAY',
    'what is stale is sent, and asked about meanwhile',
    origin(cc(while_)),
    refreshed(cc('max-age=60'), { after: 10 }),
    store({ of: 2 }),
  ),
  row(swr, 'MUST', 'not beyond its time', origin(cc(while_)), origin(cc('max-age=60'), { after: 26 })),
  row(swr, 'MUST', 'up to its time', origin(cc(while_)), refreshed(cc('max-age=60'), { after: 24 })),
  row(
    swr,
    'MAY',
    'it is asked about by its tag',
    origin(cc(while_, { etag: '"1"' })),
    refreshed(cc('max-age=60'), { after: 10, answer: { status: 304 }, sees: { 'if-none-match': '"1"' } }),
    store({ of: 1 }),
  ),
  row(
    swr,
    'MAY',
    'its Age tells how old it is',
    origin(cc(while_)),
    refreshed(cc('max-age=60'), { after: 10, gets: { age: '10', 'cache-status': /hit; ttl=-5/ } }),
  ),
  row(swr, 'MUST', 'fresh ones are not asked about', origin(cc(while_)), store({ after: 4 })),
  row(
    swr,
    'MUST',
    'a part of it is sent, and the whole is asked for',
    origin(cc(while_)),
    refreshed(cc('max-age=60'), { after: 10, headers: { range: 'bytes=0-2' }, status: 206, text: 'ans', sees: { range: null } }),
    store({ of: 2 }),
  ),
  row(
    swr,
    'MUST',
    'a HEAD of it is answered, and the whole is asked for',
    origin(cc(while_)),
    refreshed(cc('max-age=60'), { after: 10, method: 'HEAD' }),
    store({ of: 2 }),
  ),
  row(
    swr,
    'MUST',
    'an error in between is not stored in its place',
    origin(cc(while_)),
    refreshed({}, { after: 10, answer: { status: 500 } }),
    refreshed(cc('max-age=60'), { after: 1, of: 1 }),
  ),
  ...forbidding.map((directive) =>
    row(
      forbidden,
      'MUST',
      `${directive} forbids it`,
      origin(cc(`${directive}, ${while_}`)),
      origin(cc('max-age=60'), { after: 10 }),
    ),
  ),
  row(
    swr,
    'MUST',
    'a number that is none gives no time',
    origin(cc('max-age=5, stale-while-revalidate=x')),
    origin(undefined, { after: 6 }),
  ),
  row(swr, 'MUST', 'no number gives no time', origin(cc('max-age=5, stale-while-revalidate')), origin(undefined, { after: 6 })),
  ...under(
    { defaults: { staleWhileRevalidateMs: 20_000 } },
    row(swr, 'ours', 'a time by default', origin(cc('max-age=5')), refreshed(cc('max-age=60'), { after: 24 })),
    row(swr, 'ours', 'a time by default is not beyond it', origin(cc('max-age=5')), origin(undefined, { after: 26 })),
    row(swr, 'MUST', 'what says 0 has none', origin(cc('max-age=5, stale-while-revalidate=0')), origin(undefined, { after: 6 })),
    row(
      forbidden,
      'MUST',
      'must-revalidate forbids the default',
      origin(cc('max-age=5, must-revalidate')),
      origin(undefined, { after: 6 }),
    ),
  ),
  ...[500, 502, 503, 504].map((status) =>
    row(sie, 'MAY', `what is stale is sent in place of ${status}`, origin(cc(ifError)), rescued(status, { after: 10, of: 1 })),
  ),
  row(
    sie,
    'MAY',
    'what is stale is sent where the origin breaks off',
    origin(cc(ifError)),
    rescued('reset', { after: 10, of: 1 }),
  ),
  row(sie, 'MUST', 'not beyond its time', origin(cc(ifError)), fails(26)),
  row(sie, 'MUST', 'up to its time', origin(cc(ifError)), rescued(503, { after: 24 })),
  ...[400, 403, 404, 429, 501].map((status) =>
    row(sie, 'ours', `${status} is an answer, and is sent`, origin(cc(ifError)), fails(10, status)),
  ),
  row(
    sie,
    'MAY',
    'again and again',
    origin(cc(ifError)),
    rescued(503, { after: 10 }),
    rescued(503, { after: 1, of: 1 }),
    rescued('reset', { after: 1, of: 1 }),
  ),
  row(
    sie,
    'MAY',
    'what is asked about by its tag too',
    origin(cc(ifError, { etag: '"1"' })),
    rescued(503, { after: 10, sees: { 'if-none-match': '"1"' } }),
  ),
  row(
    sie,
    'MUST',
    'once it is well again it is asked',
    origin(cc(ifError)),
    rescued(503, { after: 10 }),
    origin(cc('max-age=60'), { after: 1 }),
    store({ of: 3 }),
  ),
  row(
    sie,
    'MAY',
    'a part of it',
    origin(cc(ifError)),
    rescued(503, { after: 10, headers: { range: 'bytes=0-2' }, status: 206, text: 'ans' }),
  ),
  ...forbidding.map((directive) =>
    row(forbidden, 'MUST', `${directive} forbids it`, origin(cc(`${directive}, ${ifError}`)), fails(10)),
  ),
  row(forbidden, 'ours', 'nothing stale is sent unasked', origin(cc('max-age=5')), fails(6)),
  ...forbidding.map((directive) =>
    row('9111 §5.2.2.2', 'MUST', `${directive}, and nobody there to ask`, origin(cc(`${directive}, max-age=5`)), {
      ...nobody({ after: 10, status: 502, answer: { breaksAfter: 0 } }),
    }),
  ),
  ...under(
    { defaults: { staleIfErrorMs: 20_000 } },
    row(sie, 'ours', 'a time by default', origin(cc('max-age=5')), rescued(503, { after: 24 })),
    row(sie, 'MUST', 'what says 0 has none', origin(cc('max-age=5, stale-if-error=0')), fails(6)),
    row(forbidden, 'MUST', 'must-revalidate forbids the default', origin(cc('max-age=5, must-revalidate')), fails(6)),
  ),
  row(
    '9111 §5.2.2.2',
    'MAY',
    'must-revalidate is reused while it is fresh',
    origin(cc('max-age=5, must-revalidate')),
    store({ after: 4 }),
  ),
  row(
    '9111 §5.2.2.2',
    'MUST',
    'must-revalidate is asked about when it is stale',
    origin(cc('max-age=5, must-revalidate', { etag: '"1"' })),
    validated({}, { after: 6 }),
  ),
]
