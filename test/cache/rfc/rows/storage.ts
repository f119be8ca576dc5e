import { at, cc, never, origin, type Row, reused, row, store, under, validated } from '../row.ts'

const storing = '9111 §3'
const fields = '9111 §3.1'
const credentials = '9111 §3.5'
const noStore = '9111 §5.2.2.5'
const noCache = '9111 §5.2.2.4'
const isPrivate = '9111 §5.2.2.7'
const understand = '9111 §5.2.2.3'
const fresh = cc('max-age=60')

const statuses = [
  200, 201, 202, 203, 204, 299, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 451, 499, 500, 501, 502, 503, 504, 599,
]
const ofWhoAsked = [400, 401, 403, 406, 407, 408, 412, 413, 416, 417, 421, 425, 426, 428, 429, 431, 511]

export const storage: readonly Row[] = [
  ...statuses.map((status) => reused(storing, 'MAY', `a ${status} that says how long it lives`, fresh, { answer: { status } })),
  ...statuses.map((status) => never('9111 §4.2', 'MUST', `a ${status} that came stale`, cc('max-age=0'), { answer: { status } })),
  ...ofWhoAsked.map((status) =>
    never(storing, 'ours', `a ${status} tells of who asked, and is for nobody else`, fresh, { answer: { status } }),
  ),
  never(storing, 'ours', 'a part (206) is not stored', cc('max-age=60', { 'content-range': 'bytes 0-3/10' }), {
    ...{ headers: { range: 'bytes=0-3' }, answer: { status: 206, body: '0123' } },
  }),
  row(
    storing,
    'MUST',
    'a part is never given for the whole',
    origin(cc('max-age=60', { 'content-range': 'bytes 0-3/10' }), {
      headers: { range: 'bytes=0-3' },
      answer: { status: 206, body: '0123' },
    }),
    origin(cc('max-age=60'), { answer: { body: '0123456789' } }),
    store(),
  ),
  ...['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'REPORT'].map((method) =>
    never(storing, 'MUST', `the answer to ${method} is not given again`, fresh, { method }),
  ),
  row(storing, 'MUST', 'the answer to POST is not the answer to GET', origin(fresh, { method: 'POST', body: 'x' }), origin()),
  row(
    storing,
    'ours',
    'nor where Content-Location names what was asked',
    origin(cc('max-age=60', { 'content-location': '/' }), { method: 'POST', body: 'x' }),
    origin(),
  ),

  never(noStore, 'MUST', 'no-store', cc('no-store')),
  never(noStore, 'MUST', 'no-store in any case', cc('No-StOrE, max-age=60')),
  never(noStore, 'MUST', 'no-store beside max-age', cc('max-age=60, no-store')),
  never(noStore, 'MUST', 'no-store beside Expires', cc('no-store', { expires: at(60) })),
  never(noStore, 'MUST', 'no-store on a line of its own', { 'cache-control': ['max-age=60', 'no-store'] }),
  never(noStore, 'MUST', 'no-store beside public', cc('public, no-store, max-age=60')),
  never(noStore, 'MUST', 'no-store with a value', cc('no-store="x", max-age=60')),
  row(
    noStore,
    'MUST',
    'what is fresh is given, also where the last answer would have said no-store',
    origin(fresh),
    store({ answer: { headers: cc('no-store') } }),
  ),
  row(
    '9111 §5.2.1.5',
    'MUST',
    'no-store of a request: its answer is not stored',
    origin(fresh, { headers: cc('no-store') }),
    origin(),
  ),
  never(isPrivate, 'MUST', 'private is not for a shared cache', cc('private, max-age=60')),
  never(isPrivate, 'MUST', 'private in any case', cc('PRIVATE, max-age=60')),
  never(isPrivate, 'MUST', 'private beside s-maxage', cc('private, s-maxage=60')),
  never(isPrivate, 'MUST', 'private beside public', cc('private, public, max-age=60')),
  never(isPrivate, 'ours', 'private with names of fields: all of it', cc('private="set-cookie", max-age=60')),
  never(isPrivate, 'ours', 'private with an empty list', cc('private="", max-age=60')),
  never(isPrivate, 'ours', 'private with what is no name', cc('private=" authorization", max-age=60')),
  ...under({ mode: 'private' }, reused(isPrivate, 'MAY', 'private is for a private cache', cc('private, max-age=60'))),

  never(noCache, 'MUST', 'no-cache is not reused unasked', cc('no-cache, max-age=60')),
  never(noCache, 'MUST', 'no-cache in any case', cc('No-Cache, max-age=60')),
  never(noCache, 'MUST', 'no-cache beside Expires', cc('no-cache', { expires: at(60) })),
  row(
    noCache,
    'MAY',
    'no-cache is stored, and asked about',
    origin(cc('no-cache', { etag: '"1"' })),
    validated({}, { sees: { 'if-none-match': '"1"' } }),
  ),
  row(
    noCache,
    'MAY',
    'no-cache is asked about again and again',
    origin(cc('no-cache, max-age=60', { etag: '"1"' })),
    validated(),
    validated({}, { after: 5 }),
  ),
  row(
    noCache,
    'MUST',
    'no-cache with names: those are not given again, the rest is',
    origin(cc('no-cache="a, B", max-age=60', { a: '1', b: '2', c: '3' }), { gets: { a: '1', b: '2', c: '3' } }),
    store({ gets: { a: null, b: null, c: '3' } }),
  ),
  ...['', ' ', 'a b', 'age', 'vary', 'cache-control', 'content-type'].map((list) =>
    never(noCache, 'ours', `no-cache="${list}" holds for all of it`, cc(`no-cache="${list}", max-age=60`)),
  ),
  never(noCache, 'MUST', 'no-cache with and without names holds for all', cc('no-cache="a", no-cache, max-age=60')),

  reused(understand, 'MUST', 'who understands the status may ignore no-store', cc('must-understand, no-store, max-age=60')),
  never(understand, 'MUST', 'who does not understand it may not', cc('must-understand, no-store, max-age=60'), {
    answer: { status: 599 },
  }),
  never(understand, 'SHOULD', 'nor store it at all', cc('must-understand, max-age=60'), { answer: { status: 599 } }),

  row(
    fields,
    'MUST',
    'what Connection names is not stored',
    origin(cc('max-age=60', { connection: 'a, b', a: '1', b: '2', c: '3' })),
    store({ gets: { a: null, b: null, c: '3' } }),
  ),
  ...[
    'proxy-authenticate',
    'proxy-authentication-info',
    'proxy-authorization',
    'proxy-connection',
    'keep-alive',
    'te',
    'upgrade',
  ].map((name) =>
    row(
      fields,
      'MUST',
      `${name} is not stored`,
      origin(cc('max-age=60', { [name]: 'x', kept: 'y' })),
      store({ gets: { [name]: name === 'keep-alive' ? /^(?!x)/ : null, kept: 'y' } }),
    ),
  ),
  ...[
    'content-md5',
    'content-language',
    'x-other',
    'x-frame-options',
    'content-security-policy',
    'clear-site-data',
    'link',
    'warning',
    'server-timing',
    'content-disposition',
  ].map((name) =>
    row(fields, 'MUST', `${name} is stored`, origin(cc('max-age=60', { [name]: 'x' })), store({ gets: { [name]: 'x' } })),
  ),
  row(
    fields,
    'MUST',
    'a field that comes twice comes twice',
    origin(cc('max-age=60', { a: ['1', '2'] })),
    store({ gets: { a: '1, 2' } }),
  ),
  row(
    '9111 §3.3',
    'MUST',
    'trailers are not stored among the fields',
    origin(cc('max-age=60'), { answer: { trailers: { 'x-sum': '1' } } }),
    store({ gets: { 'x-sum': null, trailer: null } }),
  ),
  row(
    '9111 §3.3',
    'MUST',
    'what breaks off is not stored',
    origin(fresh, { answer: { body: '0123456789', breaksAfter: 4 }, isBroken: true, text: '0123' }),
    origin(fresh),
    store(),
  ),
  row(
    '9111 §3.3',
    'MUST',
    'what breaks off without a length is not stored',
    origin(fresh, { answer: { body: '0123456789', breaksAfter: 4, isChunked: true }, isBroken: true, text: '0123' }),
    origin(fresh),
    store(),
  ),

  never(credentials, 'MUST', 'what needs Authorization is for who asked', fresh, { headers: { authorization: 'Bearer a' } }),
  row(credentials, 'MUST', 'and for no other', origin(fresh, { headers: { authorization: 'Bearer a' } }), origin()),
  row(
    credentials,
    'MUST',
    'and not for another one',
    origin(fresh, { headers: { authorization: 'Bearer a' } }),
    origin(undefined, { headers: { authorization: 'Bearer b' } }),
  ),
  ...['public, max-age=60', 's-maxage=60', 'must-revalidate, max-age=60'].map((value) =>
    reused(credentials, 'MAY', `unless the answer says ${value}`, cc(value), { headers: { authorization: 'Bearer a' } }),
  ),
  row(
    credentials,
    'MAY',
    'what was stored for all is for who has a credential too',
    origin(fresh),
    store({ headers: { authorization: 'Bearer a' } }),
  ),
  never(credentials, 'MUST', 'proxy-revalidate lets nothing be shared', cc('proxy-revalidate, max-age=60'), {
    headers: { authorization: 'Bearer a' },
  }),

  never(storing, 'ours', 'what sets a cookie is not stored', cc('max-age=60', { 'set-cookie': 'a=b' })),
  never(
    storing,
    'ours',
    'what sets a cookie is not stored, also where it is public',
    cc('public, max-age=60', { 'set-cookie': 'a=b' }),
  ),
  row(
    noCache,
    'MUST',
    'unless no-cache keeps the cookie out',
    origin(cc('no-cache="set-cookie", max-age=60', { 'set-cookie': 'a=b' }), { gets: { 'set-cookie': 'a=b' } }),
    store({ gets: { 'set-cookie': null } }),
  ),
  ...under(
    { setCookie: 'strip' },
    row(
      storing,
      'ours',
      'by option it is stored without the cookie',
      origin(cc('max-age=60', { 'set-cookie': 'a=b' }), { gets: { 'set-cookie': 'a=b' } }),
      store({ gets: { 'set-cookie': null } }),
    ),
  ),
  never(storing, 'ours', 'what was asked with a cookie is for who asked', fresh, { headers: { cookie: 'a=b' } }),
  row(storing, 'ours', 'and for nobody else', origin(fresh, { headers: { cookie: 'a=b' } }), origin()),
  reused(storing, 'ours', 'unless it is public', cc('public, max-age=60'), { headers: { cookie: 'a=b' } }),
  reused(storing, 'ours', 'or has s-maxage', cc('s-maxage=60'), { headers: { cookie: 'a=b' } }),
  row(storing, 'MAY', 'who has a cookie gets what was stored for all', origin(fresh), store({ headers: { cookie: 'a=b' } })),
  ...under(
    { cookies: 'ignore' },
    reused(storing, 'ours', 'cookies of requests can be ignored', fresh, { headers: { cookie: 'a=b' } }),
  ),

  row(
    storing,
    'MUST',
    'another query is another resource',
    origin(fresh, { target: '/a?x=1' }),
    origin(undefined, { target: '/a?x=2' }),
  ),
  row(storing, 'MUST', 'no query is not an empty one', origin(fresh, { target: '/a' }), origin(undefined, { target: '/a?' })),
  row(storing, 'MAY', 'a query is no hindrance', origin(fresh, { target: '/a?x=1' }), store({ target: '/a?x=1' })),
  row(
    storing,
    'MUST',
    'another order of the query is another resource',
    origin(fresh, { target: '/a?x=1&y=2' }),
    origin(undefined, { target: '/a?y=2&x=1' }),
  ),
  row(
    storing,
    'MUST',
    'another host is another resource',
    origin(fresh, { headers: { host: 'a.test' } }),
    origin(undefined, { headers: { host: 'b.test' } }),
  ),
  row(
    '9110 §4.2.3',
    'MUST',
    'a host is the same in any case',
    origin(fresh, { headers: { host: 'a.test' } }),
    store({ headers: { host: 'A.Test' } }),
  ),
  row(
    storing,
    'MUST',
    'another port is another resource',
    origin(fresh, { headers: { host: 'a.test:81' } }),
    origin(undefined, { headers: { host: 'a.test:82' } }),
  ),
  row(
    '9110 §4.2.3',
    'MUST',
    'another case of the path is another resource',
    origin(fresh, { target: '/a' }),
    origin(undefined, { target: '/A' }),
  ),
  row(
    '3986 §6.2.2',
    'MAY',
    'an escape of what needs none is the same',
    origin(fresh, { target: '/%61' }),
    store({ target: '/a' }),
  ),
  row('3986 §6.2.2.3', 'MAY', 'dot segments are the same', origin(fresh, { target: '/x/../a' }), store({ target: '/a' })),
]
