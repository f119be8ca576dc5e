import { evaluate, type PolicyOptions, respond, type StoredMeta, updated, updatedByHead } from '@gatelet/cache'
import { HeaderList } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { at, type Fields, get, kept, policy, reply } from './fakes.ts'

type Record = Readonly<{ [name: string]: string }>

const first = 'Sun, 06 Nov 1994 08:32:57 GMT'
const second = 'Sun, 06 Nov 1994 08:32:58 GMT'
const later = { requestTimeMs: at(9), responseTimeMs: at(10) }
const cc = (value: string): Record => ({ 'cache-control': value })
const stored = (fields: Record, options: Parameters<typeof kept>[1] = {}): StoredMeta =>
  kept({ 'cache-control': 'max-age=5, stale-while-revalidate=100', ...fields }, options)

function after304(before: StoredMeta, fields: Fields, request: Fields = {}, options: PolicyOptions = {}): StoredMeta | undefined {
  return updated(get(request), reply(fields, 304), later, before, [before], policy(options))[0]?.[1]
}

const fieldsOf = (meta: StoredMeta | undefined): HeaderList => HeaderList.fromRaw([...(meta?.headers ?? [])])

// section, validators that are stored, those of the 304, whether it updates
const validators: readonly (readonly [string, Record, Record, boolean])[] = [
  ['9111 §4.3.4', { etag: '"1"' }, { etag: '"1"' }, true],
  ['9111 §4.3.4', { etag: '"1"' }, { etag: '"2"' }, false],
  ['9111 §4.3.4', { etag: 'W/"1"' }, { etag: '"1"' }, false],
  ['9111 §4.3.4', { etag: '"1"' }, { etag: 'W/"1"' }, true],
  ['9111 §4.3.4', { etag: 'W/"1"' }, { etag: 'W/"1"' }, true],
  ['9111 §4.3.4', { etag: 'W/"1"' }, { etag: 'W/"2"' }, false],
  ['9110 §8.8.3', { etag: '"a"' }, { etag: '"A"' }, false],
  ['9111 §4.3.4', { 'last-modified': first }, { etag: '"1"' }, false],
  ['9111 §4.3.4', { 'last-modified': first }, { etag: 'W/"1"' }, false],
  ['9111 §4.3.4', { 'last-modified': first }, { etag: '"1"', 'last-modified': first }, false],
  ['9111 §4.3.4', { 'last-modified': first }, { 'last-modified': first }, true],
  ['9111 §4.3.4', { 'last-modified': first }, { 'last-modified': second }, false],
  ['9111 §4.3.4', { etag: '"1"', 'last-modified': first }, { 'last-modified': second }, false],
  ['9111 §4.3.4', { etag: '"1"', 'last-modified': first }, { 'last-modified': first }, true],
  ['9111 §4.3.4', { etag: '"1"', 'last-modified': first }, { etag: '"1"', 'last-modified': second }, true],
  ['9111 §4.3.4', { etag: '"1"' }, { 'last-modified': first }, true],
  ['9111 §4.3.3', { etag: '"1"' }, {}, true],
  ['9111 §4.3.3', { 'last-modified': first }, {}, true],
  ['9111 §4.3.4', {}, {}, true],
  ['9111 §4.3.4', {}, { etag: '"1"' }, false],
]

test.each(validators)('%s: what has %j is updated by a 304 with %j: %s', (_section, before, fields, updates) => {
  const after = after304(stored(before), { ...fields, ...cc('max-age=60') })
  expect(after !== undefined).toBe(updates)
  // Its age counts from when the 304 was asked for.
  if (after) expect(evaluate(get(), [after], at(68), policy()).kind).toBe('hit')
  if (after) expect(evaluate(get(), [after], at(69), policy()).kind).not.toBe('hit')
})

// section, stored fields, fields of the 304, a name, what it has then
const fields: readonly (readonly [string, Record, Record, string, string | undefined])[] = [
  ['9111 §3.2', { 'x-a': '1' }, { 'x-a': '2' }, 'x-a', '2'],
  ['9111 §3.2', { 'X-A': '1' }, { 'x-a': '2' }, 'x-a', '2'],
  ['9111 §3.2', { 'x-a': '1' }, {}, 'x-a', '1'],
  ['9111 §3.2', {}, { 'x-a': '2' }, 'x-a', '2'],
  ['9111 §3.2', {}, cc('max-age=60'), 'cache-control', 'max-age=60'],
  ['9111 §3.2', { expires: first }, { expires: second }, 'expires', second],
  ['9111 §3.2', { 'content-type': 'a/b' }, { 'content-type': 'a/c' }, 'content-type', 'a/c'],
  ['9111 §3.2', { 'content-location': '/a' }, { 'content-location': '/b' }, 'content-location', '/b'],
  ['9111 §3.2', { 'content-length': '10' }, { 'content-length': '0' }, 'content-length', '10'],
  ['9111 §3.2', {}, { 'content-length': '0' }, 'content-length', undefined],
  ['9111 §3.2', { 'content-encoding': 'gzip' }, { 'content-encoding': 'br' }, 'content-encoding', 'gzip'],
  ['9111 §3.2', {}, { 'content-encoding': 'br' }, 'content-encoding', undefined],
  ['9111 §3.2', {}, { 'content-range': 'bytes 0-1/2' }, 'content-range', undefined],
  ['9111 §3.2', { etag: '"1"' }, { etag: 'W/"1"' }, 'etag', 'W/"1"'],
  ['9111 §3.1', {}, { 'keep-alive': 'timeout=5' }, 'keep-alive', undefined],
  ['9111 §3.1', {}, { connection: 'x-a', 'x-a': '1' }, 'x-a', undefined],
  ['9111 §3.1', { 'x-a': '1' }, { connection: 'x-a', 'x-a': '2' }, 'x-a', '1'],
  ['9111 §3.1', {}, { 'proxy-authentication-info': 'x' }, 'proxy-authentication-info', undefined],
  ['9111 §4.2.3', { age: '99' }, {}, 'age', undefined],
  ['9111 §4.2.3', { age: '99' }, { age: '3' }, 'age', '3'],
  ['9110 §6.6.1', { date: first }, {}, 'date', 'Sun, 06 Nov 1994 08:49:47 GMT'],
  ['9110 §6.6.1', { date: first }, { date: second }, 'date', second],
  ['safety', {}, { 'set-cookie': 'a=b' }, 'set-cookie', undefined],
  ['9111 §5.2.2.4', { 'x-a': '1' }, cc('no-cache="x-a", max-age=60'), 'x-a', undefined],
  ['9111 §5.2.2.4', cc('no-cache="x-a", max-age=5'), { 'x-a': '2' }, 'x-a', undefined],
  ['9111 §5.2.2.4', cc('no-cache="x-a", max-age=5'), { 'x-a': '2', ...cc('max-age=60') }, 'x-a', '2'],
  ['9111 §4.1', { vary: 'a, b' }, { vary: 'b' }, 'vary', 'b, a'],
  ['9111 §4.1', { vary: 'a' }, { vary: '' }, 'vary', 'a'],
  ['9111 §4.1', { vary: 'a' }, {}, 'vary', 'a'],
  ['9111 §4.1', { vary: 'a' }, { vary: '*' }, 'vary', '*'],
]

test.each(fields)('%s: what has %j, after a 304 with %j, has as %s %s', (_section, before, news, name, value) => {
  expect(fieldsOf(after304(stored(before), news)).get(name)).toBe(value)
})

// section, fields of the 304, how the next request goes on; stored with Vary: a for a request with a: 1
test.each([
  ['9111 §5.2.2.5', cc('no-store'), { kind: 'fetch', forward: 'miss', detail: 'no-store' }],
  ['9111 §5.2.2.3', cc('no-store, must-understand, max-age=60'), { kind: 'hit' }],
  ['9111 §5.2.2.7', cc('private, max-age=60'), { kind: 'fetch', forward: 'miss', detail: 'private' }],
  ['9111 §5.2.2.4', cc('no-cache, max-age=60'), { kind: 'revalidate', detail: 'no-cache' }],
  ['9111 §5.2.2.1', cc('max-age=0'), { kind: 'revalidate' }],
  ['9111 §4.1', { ...cc('max-age=60'), vary: '*' }, { kind: 'fetch', forward: 'vary-miss' }],
  ['9111 §4.1', { ...cc('max-age=60'), vary: 'b' }, { kind: 'fetch', forward: 'vary-miss' }],
  ['9111 §4.1', { ...cc('max-age=60'), vary: 'a' }, { kind: 'hit' }],
] as const)('%s: after a 304 with %j, the next request goes on with %j', (_section, news, decision) => {
  const after = after304(stored({ etag: '"1"', vary: 'a' }, { request: { a: '1' } }), news, { a: '1' })
  expect(evaluate(get({ a: '1' }), after ? [after] : [], at(11), policy())).toMatchObject(decision)
})

// section, options, request, fields of the 304, whether anything is taken from it; stored for a request without credentials
test.each([
  ['9111 §3.5', {}, { authorization: 'x' }, cc('max-age=60'), false],
  ['9111 §3.5', {}, { authorization: 'x' }, {}, false],
  ['9111 §3.5', {}, { authorization: 'x' }, cc('public, max-age=60'), true],
  ['9111 §3.5', {}, { authorization: 'x' }, cc('s-maxage=60'), true],
  ['9111 §3.5', {}, { authorization: 'x' }, cc('must-revalidate, max-age=60'), true],
  ['9111 §3.5', { partitioned: true }, { authorization: 'x' }, cc('max-age=60'), true],
  ['9111 §3.5', { mode: 'private' }, { authorization: 'x' }, cc('max-age=60'), true],
  ['safety', {}, { cookie: 'a=b' }, cc('max-age=60'), false],
  ['safety', {}, { cookie: 'a=b' }, cc('public, max-age=60'), true],
  ['safety', { cookies: 'ignore' }, { cookie: 'a=b' }, cc('max-age=60'), true],
  ['9111 §5.2.1.5', {}, { 'cache-control': 'no-store' }, cc('max-age=60'), false],
] as const)(
  '%s: with %j, of a 304 to a request with %j that has %j, something is taken: %s',
  (_s, options, request, news, takes) => {
    const before = stored({ etag: '"1"' })
    const after = after304(before, { ...news, 'x-user': 'one' }, request as Record, options)
    expect(after === before).toBe(!takes)
    expect(fieldsOf(after).get('x-user')).toBe(takes ? 'one' : undefined)
  },
)

test('9111 §4.3.4: those with the same strong tag are updated too, where the request may have them', () => {
  const tag = { etag: '"1"' }
  const asked = stored(tag)
  const same = stored({ ...tag, vary: 'a' }, { request: { a: '1' } })
  const another = stored({ etag: '"2"' })
  const ofOthers = stored({ ...tag, vary: 'a' }, { request: { a: '2' } })
  const variants = [asked, same, another, ofOthers]
  const pairs = updated(get({ a: '1' }), reply({ ...tag, ...cc('max-age=60') }, 304), later, asked, variants, policy())
  expect(pairs.map(([before]) => variants.indexOf(before))).toEqual([0, 1])
  expect(pairs.every(([, after]) => fieldsOf(after).get('cache-control') === 'max-age=60')).toBe(true)
})

test.each([
  ['W/"1"', 'W/"1"'],
  ['"1"', 'W/"1"'],
])('9111 §4.3.4: where %s is stored and the 304 has %s, which is weak, only the one that was asked about is', (etag, weak) => {
  const [asked, other] = [stored({ etag }), stored({ etag })]
  const pairs = updated(get(), reply({ etag: weak }, 304), later, asked, [asked, other], policy())
  expect(pairs.map(([before]) => before)).toEqual([asked])
  expect(pairs[0]?.[0]).toBe(asked)
})

test('9111 §4.3.4: a 304 that speaks of another response updates none', () => {
  const [asked, other] = [stored({ etag: '"1"' }), stored({ etag: '"2"' })]
  expect(updated(get(), reply({ etag: '"3"' }, 304), later, asked, [asked, other], policy())).toEqual([])
})

test('an update leaves what was stored as it is, and keeps what is not of the header', () => {
  const before: StoredMeta = { ...stored({ etag: '"1"', 'x-a': '1' }, { bodyBytes: 10 }), tags: ['t'] }
  const copy = structuredClone(before)
  const after = after304(before, { 'x-a': '2' })
  expect(before).toEqual(copy)
  expect(after).toMatchObject({ ...later, status: 200, url: 'https://a.example/x', bodyBytes: 10, tags: ['t'] })
})

// section, stored fields, status and fields of the HEAD, what becomes of it; 10 bytes stored
const heads: readonly (readonly [string, Record, number, Record, 'renewed' | 'past' | 'same'])[] = [
  ['9111 §4.3.5', { etag: '"1"' }, 200, { etag: '"1"' }, 'renewed'],
  ['9111 §4.3.5', { etag: '"1"' }, 200, { etag: '"2"' }, 'past'],
  ['9111 §4.3.5', { etag: 'W/"1"' }, 200, { etag: '"1"' }, 'past'],
  ['9111 §4.3.5', {}, 200, { etag: '"1"' }, 'past'],
  ['9111 §4.3.5', { 'last-modified': first }, 200, { 'last-modified': first }, 'renewed'],
  ['9111 §4.3.5', { 'last-modified': first }, 200, { 'last-modified': second }, 'past'],
  ['9111 §4.3.5', { etag: '"1"', 'last-modified': first }, 200, { etag: '"1"', 'last-modified': second }, 'past'],
  ['9111 §4.3.5', { etag: '"1"', 'last-modified': first }, 200, { etag: '"1"' }, 'renewed'],
  ['9111 §4.3.5', { etag: '"1"' }, 200, { etag: '"1"', 'content-length': '10' }, 'renewed'],
  ['9111 §4.3.5', { etag: '"1"' }, 200, { etag: '"1"', 'content-length': '11' }, 'past'],
  ['9111 §4.3.5', { etag: '"1"', 'content-length': '10' }, 200, { etag: '"1"', 'content-length': '010' }, 'past'],
  ['9111 §4.3.5', {}, 200, { 'content-length': '10' }, 'renewed'],
  ['9111 §4.3.5', {}, 200, { 'content-length': '11' }, 'past'],
  ['safety', { etag: '"1"' }, 200, {}, 'past'],
  ['safety', {}, 200, {}, 'past'],
  ...[204, 206, 301, 304, 400, 404, 410, 431, 500, 503].map(
    (status) => ['9111 §4.3.5', { etag: '"1"' }, status, { etag: '"2"' }, 'same'] as const,
  ),
]

test.each(heads)(
  '9111: %s: what has %j, after a HEAD answered by %i with %j, is %s',
  (_section, before, status, news, result) => {
    const meta = stored(before, { bodyBytes: 10 })
    const after = updatedByHead(get({}, 'HEAD'), reply({ ...news, 'x-a': '1' }, status), later, meta, policy())
    expect(after === undefined ? 'past' : after === meta ? 'same' : 'renewed').toBe(result)
    if (result === 'renewed') expect(fieldsOf(after).get('x-a')).toBe('1')
  },
)

test('9111 §4.3.5: a HEAD answered with 200 says that a stored error is of the past', () => {
  const meta = stored({ etag: '"1"' }, { status: 404 })
  expect(updatedByHead(get({}, 'HEAD'), reply({ etag: '"1"' }), later, meta, policy())).toBeUndefined()
})

test('9111 §3.5: a HEAD with credentials tells others nothing', () => {
  const meta = stored({ etag: '"1"' })
  const response = reply({ etag: '"1"', 'x-user': 'one' })
  expect(updatedByHead(get({ authorization: 'x' }, 'HEAD'), response, later, meta, policy())).toBe(meta)
})

describe('what was purged softly', () => {
  const purged = (fields: Record, seconds: number): StoredMeta => ({ ...kept(fields), softPurgedAt: at(seconds) })
  const tag = { etag: '"1"' }

  test.each([
    ['is stale at once', { ...cc('max-age=60'), ...tag }, 10, 10, 'revalidate'],
    ['is asked for as a whole where there is no validator', cc('max-age=60'), 10, 11, 'fetch'],
    ['is sent while somebody asks, where that is allowed', cc('max-age=60, stale-while-revalidate=5'), 10, 14, 'stale'],
    ['is so only for as long', { ...cc('max-age=60, stale-while-revalidate=5'), ...tag }, 10, 15, 'revalidate'],
    ['that was stale before counts from then', { ...cc('max-age=1, stale-while-revalidate=5'), ...tag }, 10, 11, 'revalidate'],
    [
      'must not be sent where it forbids',
      { ...cc('max-age=60, stale-while-revalidate=5, must-revalidate'), ...tag },
      10,
      11,
      'revalidate',
    ],
    ['is stale however the clock is set back', { ...cc('max-age=60'), ...tag }, 10, 5, 'revalidate'],
  ] as const)('%s', (_what, fields, when, now, kind) => {
    expect(evaluate(get(), [purged(fields, when)], at(now), policy()).kind).toBe(kind)
  })

  test('helps against errors for as long as it is allowed', () => {
    const stored = purged({ ...cc('max-age=60, stale-if-error=5'), ...tag }, 10)
    const fallback = (seconds: number) => {
      const decision = evaluate(get(), [stored], at(seconds), policy())
      return decision.kind === 'revalidate' && decision.fallback
    }
    expect(fallback(14)).toBe(stored)
    expect(fallback(15)).toBeUndefined()
  })

  test('says since when it is stale', () => {
    const stored = purged({ ...cc('max-age=60, stale-while-revalidate=9'), ...tag }, 10)
    expect(respond(get(), stored, at(14), policy()).headers.get('cache-status')).toBe('gatelet; hit; ttl=-4')
  })

  test('is fresh again after a 304', () => {
    const after = after304(purged({ ...cc('max-age=60'), ...tag }, 10), {})
    expect(after).not.toHaveProperty('softPurgedAt')
    expect(evaluate(get(), after ? [after] : [], at(20), policy()).kind).toBe('hit')
  })

  test('stays purged where nothing may be taken from a 304', () => {
    const stored = purged({ ...cc('max-age=60'), ...tag }, 10)
    expect(after304(stored, {}, { authorization: 'x' })).toBe(stored)
  })
})
