import { evaluate, type PolicyOptions, remaining, type StoredMeta, storable, updated } from '@gatelet/cache'
import { HeaderList } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCacheControl } from '../../src/policy/cache-control.ts'
import { at, type Fields, get, kept, policy, reply, times } from './fakes.ts'

const cc = (value: string, more: Fields = {}): Fields => ({
  'cache-control': value,
  ...(more as Readonly<Record<string, string>>),
})
const expires = (text: string): Fields => ({ expires: text, etag: '"1"' })
const tag = { etag: '"1"' }

// section, stored fields, seconds later, decision
const freshness: readonly (readonly [string, Fields, number, string])[] = [
  ['9111 §5.2.2.1', cc('max-age=60'), 59, 'hit'],
  ['9111 §5.2.2.1', cc('max-age=60', tag), 60, 'revalidate'],
  ['9111 §5.2', cc('max-age="60"', tag), 59, 'hit'],
  ['9111 §5.2', cc('MaX-aGe=60', tag), 59, 'hit'],
  ['9111 §5.2', cc('max-age=0060', tag), 59, 'hit'],
  ['9111 §1.2.2', cc('max-age=99999999999', tag), 2 ** 31 - 1, 'hit'],
  ['9111 §1.2.2', cc('max-age=99999999999', tag), 2 ** 31, 'revalidate'],
  ['9111 §4.2.1', cc('max-age=60, max-age=1', tag), 30, 'hit'],
  ['9111 §4.2.1', cc('max-age=1, max-age=60', tag), 30, 'revalidate'],
  ...["'60'", '-60', '60.0', '60.5', 'a60', '60a', ' 60', ''].map(
    (value) => ['9111 §4.2.1', cc(`max-age=${value}`, tag), 1, 'revalidate'] as const,
  ),
  ['9111 §5.2', cc('max-age =60', tag), 1, 'revalidate'],
  ['9111 §5.2', cc('x="max-age=60", max-age=1', tag), 2, 'revalidate'],
  ['9111 §5.2', cc('max-age=1, x="max-age=60"', tag), 2, 'revalidate'],
  ['9111 §5.2.2.10', cc('max-age=1, s-maxage=60', tag), 30, 'hit'],
  ['9111 §5.2.2.10', cc('s-maxage=1, max-age=60', tag), 30, 'revalidate'],
  ['9111 §5.3', cc('max-age=60', { expires: '0' }), 30, 'hit'],
  ['9111 §5.3', cc('max-age=0', { ...tag, expires: 'Sun, 06 Nov 1994 08:50:37 GMT' }), 1, 'revalidate'],
  ['9111 §5.3', expires('Sun, 06 Nov 1994 08:50:37 GMT'), 59, 'hit'],
  ['9111 §5.3', expires('Sun, 06 Nov 1994 08:50:37 GMT'), 60, 'revalidate'],
  ['9110 §5.6.7', expires('Sunday, 06-Nov-94 08:50:37 GMT'), 59, 'hit'],
  ['9110 §5.6.7', expires('Sun Nov  6 08:50:37 1994'), 59, 'hit'],
  ...[
    'SUN, 06 Nov 1994 08:50:37 GMT',
    'Sun, 06 NOV 1994 08:50:37 GMT',
    'Sun, 06 Nov 1994 08:50:37 gMT',
    'Sun, 06 Nov 1994 08:50:37 UTC',
    'Sun, 06 Nov 94 08:50:37 GMT',
    'Sun 06 Nov 1994 08:50:37 GMT',
    'Sun, 06  Nov  1994 08:50:37 GMT',
    'Sun, 06-Nov-1994 08:50:37 GMT',
    'Sun, 06 Nov 1994 08.50.37 GMT',
    'Sun, 06 Nov 1994 8:50:37 GMT',
    'Sun, 31 Nov 1994 08:50:37 GMT',
    'Sun, 06 Nov 1994 24:50:37 GMT',
    '0',
    '',
  ].map((text) => ['9110 §5.6.7', expires(text), 1, 'revalidate'] as const),
  ['9111 §4.2.3', cc('max-age=60', { ...tag, age: '50' }), 9, 'hit'],
  ['9111 §4.2.3', cc('max-age=60', { ...tag, age: '50' }), 10, 'revalidate'],
  ['9111 §4.2.3', cc('max-age=60', { ...tag, date: 'Sun, 06 Nov 1994 08:48:47 GMT' }), 10, 'revalidate'],
  ...['abc', '-70', '70.0', ''].map((age) => ['9111 §5.1', cc('max-age=60', { ...tag, age }), 1, 'hit'] as const),
  ['9111 §5.1', cc('max-age=60', { ...tag, age: '70, 0' }), 1, 'revalidate'],
  ['9111 §5.1', cc('max-age=60', { ...tag, age: '0, 70' }), 1, 'hit'],
  ['9111 §5.1', cc('max-age=60', { ...tag, age: 'x, 70' }), 1, 'revalidate'],
  ['9111 §4.2.2', { 'last-modified': 'Sun, 06 Nov 1994 08:32:57 GMT' }, 99, 'hit'],
  ['9111 §4.2.2', { 'last-modified': 'Sun, 06 Nov 1994 08:32:57 GMT' }, 100, 'revalidate'],
  ['9111 §4.2.2', { 'last-modified': 'Sat, 06 Nov 1954 08:32:57 GMT' }, 86_399, 'hit'],
  ['9111 §4.2.2', { 'last-modified': 'Sat, 06 Nov 1954 08:32:57 GMT' }, 86_400, 'revalidate'],
  ['9213 §2.2', { ...cc('max-age=1'), 'cdn-cache-control': 'max-age=60' }, 30, 'hit'],
  ['9213 §2.2', { ...cc('max-age=60', tag), 'cdn-cache-control': 'max-age=1' }, 30, 'revalidate'],
  ['9213 §2.2', { 'cdn-cache-control': 'foo, max-age=60', expires: '0' }, 30, 'hit'],
  ['9111 §5.2.2.4', cc('no-cache, max-age=60', tag), 1, 'revalidate'],
  ['9111 §5.2.2.4', cc('no-cache="a", max-age=60', tag), 1, 'hit'],
  ['9111 §5.2.2.2', cc('must-revalidate, max-age=60', tag), 59, 'hit'],
  ['5861 §3', cc('max-age=60, stale-while-revalidate=5', tag), 64, 'stale'],
  ['5861 §3', cc('max-age=60, stale-while-revalidate=5', tag), 65, 'revalidate'],
  ['5861 §3', cc('max-age=60, stale-while-revalidate=x', tag), 61, 'revalidate'],
  ...['must-revalidate', 'proxy-revalidate', 's-maxage=60'].map(
    (ban) => ['9111 §4.2.4', cc(`max-age=60, stale-while-revalidate=5, ${ban}`, tag), 61, 'revalidate'] as const,
  ),
]

test.each(freshness)('%s: %j after %i s is a %s', (_section, fields, later, kind) => {
  const decision = evaluate(get(), [kept(fields)], at(later), policy())
  expect(decision.kind).toBe(kind)
})

// section, request, seconds later, options, decision; stored with max-age=60, immutable or not
const asked: readonly (readonly [string, Fields, number, PolicyOptions, string])[] = [
  ['9111 §5.2.1', cc('no-cache'), 1, {}, 'hit'],
  ['9111 §5.2.1', cc('max-age=0'), 1, {}, 'hit'],
  ['9111 §5.2.1', cc('max-stale=99999'), 61, {}, 'revalidate'],
  ['9111 §5.2.1.4', cc('no-cache'), 1, { requestDirectives: true }, 'revalidate'],
  ['9111 §5.4', { pragma: 'no-cache' }, 1, { requestDirectives: true }, 'revalidate'],
  ['9111 §5.2.1.1', cc('max-age=10'), 11, { requestDirectives: true }, 'revalidate'],
  ['9111 §5.2.1.1', cc('max-age=10'), 9, { requestDirectives: true }, 'hit'],
  ['9111 §5.2.1.3', cc('min-fresh=10'), 51, { requestDirectives: true }, 'revalidate'],
  ['9111 §5.2.1.3', cc('min-fresh=10'), 49, { requestDirectives: true }, 'hit'],
  ['9111 §5.2.1.2', cc('max-stale=5'), 64, { requestDirectives: true }, 'stale'],
  ['9111 §5.2.1.2', cc('max-stale'), 6_400, { requestDirectives: true }, 'stale'],
  ['9111 §5.2.1.7', cc('only-if-cached'), 61, {}, 'only-if-cached-miss'],
  ['9111 §5.2.1.7', cc('only-if-cached'), 1, {}, 'hit'],
  ['9111 §4.3.2', { 'if-match': '"1"' }, 1, {}, 'fetch'],
  ['safety', { 'content-length': '3' }, 1, {}, 'fetch'],
]

test.each(asked)('%s: a request with %j after %i s, given %j, is a %s', (_section, request, later, options, kind) => {
  const rules = policy(options)
  expect(evaluate(get(request), [kept(cc('max-age=60', tag), { policy: rules })], at(later), rules).kind).toBe(kind)
})

test.each(['must-revalidate', 'proxy-revalidate', 's-maxage=60'])('9111 §4.2.4: max-stale never lifts %s', (ban) => {
  const rules = policy({ requestDirectives: true })
  const stored = kept(cc(`max-age=60, ${ban}`, tag), { policy: rules })
  expect(evaluate(get(cc('max-stale=99999')), [stored], at(61), rules).kind).toBe('revalidate')
})

test('8246 §2: what never changes is not asked about while it is fresh', () => {
  const rules = policy({ requestDirectives: true })
  const stored = kept(cc('max-age=60, immutable', tag), { policy: rules })
  expect(evaluate(get(cc('max-age=0')), [stored], at(1), rules).kind).toBe('hit')
  expect(evaluate(get(cc('no-cache')), [stored], at(1), rules).kind).toBe('revalidate')
})

test.each([
  ['max-age=1, stale-if-error=60', 30, true],
  ['max-age=1, stale-if-error=60', 61, false],
  ['max-age=1, stale-if-error=60, must-revalidate', 30, false],
  ['s-maxage=1, stale-if-error=60', 30, false],
  ['no-cache, max-age=60, stale-if-error=60', 30, false],
])('5861 §4: %s helps against an error after %i s: %s', (value, later, helps) => {
  const stored = kept(cc(value, tag))
  const decision = evaluate(get(), [stored], at(later), policy())
  expect(decision.kind === 'revalidate' && decision.fallback).toBe(helps ? stored : undefined)
})

test('9111 §4.3.1: a revalidation asks by what is stored, not by what the client asked', () => {
  const stored = kept(cc('max-age=1', { ...tag, 'last-modified': 'x' }))
  const decision = evaluate(get({ 'If-None-Match': '"client"', accept: 'a' }), [stored], at(2), policy())
  expect(decision.kind === 'revalidate' && Object.fromEntries(decision.headers)).toEqual({
    ...{ accept: 'a', 'If-None-Match': '"1"', 'If-Modified-Since': 'x' },
  })
})

test.each([
  ['POST', 'method'],
  ['GET', 'uri-miss'],
])('9211 §2.2: a %s with nothing stored goes on by %s', (method, forward) => {
  expect(evaluate(get({}, method), [], at(0), policy())).toEqual({ kind: 'fetch', forward })
})

// section, method, request, decision; nothing is stored
test.each([
  ['9111 §4', 'GET', {}, { kind: 'fetch', forward: 'uri-miss' }],
  ['9111 §4', 'HEAD', {}, { kind: 'fetch', forward: 'uri-miss' }],
  ['9111 §5.2.1.7', 'GET', cc('only-if-cached'), { kind: 'only-if-cached-miss', forward: 'uri-miss' }],
  ['9111 §5.2.1.7', 'GET', cc('only-if-cached="x"'), { kind: 'only-if-cached-miss', forward: 'uri-miss' }],
  ['9111 §5.2.1.7', 'POST', cc('only-if-cached'), { kind: 'fetch', forward: 'method' }],
  ['9111 §4.3.2', 'GET', { 'if-match': '"1"' }, { kind: 'fetch', forward: 'bypass', detail: 'precondition' }],
  ['9111 §4.3.2', 'HEAD', { 'if-unmodified-since': 'x' }, { kind: 'fetch', forward: 'bypass', detail: 'precondition' }],
  [
    '9111 §5.2.1.7',
    'GET',
    cc('only-if-cached', { 'if-match': '"1"' }),
    { kind: 'only-if-cached-miss', forward: 'bypass', detail: 'precondition' },
  ],
  ['safety', 'GET', { 'transfer-encoding': 'chunked' }, { kind: 'fetch', forward: 'bypass', detail: 'request-body' }],
  ['9111 §4.3.2', 'GET', { 'if-none-match': '"1"' }, { kind: 'fetch', forward: 'uri-miss' }],
] as const)('%s: %s with %j finds nothing and goes on with %j', (_section, method, request, decision) => {
  expect(evaluate(get(request as Fields, method), [], at(0), policy())).toEqual(decision)
})

test('9111 §4: HEAD is answered by what GET stored, and POST is not', () => {
  const stored = kept(cc('max-age=60'))
  expect(evaluate(get({}, 'HEAD'), [stored], at(1), policy())).toMatchObject({ kind: 'hit', answer: { body: 'none' } })
  expect(evaluate(get({}, 'POST'), [stored], at(1), policy())).toEqual({ kind: 'fetch', forward: 'method' })
})

test.each([
  ['s-maxage=1, max-age=60', 30, 'hit'],
  ['private, max-age=60', 30, 'hit'],
  ['private="set-cookie", max-age=60', 30, 'hit'],
  ['max-age=1, proxy-revalidate, stale-while-revalidate=60', 30, 'stale'],
  ['max-age=1, s-maxage=60, stale-while-revalidate=60', 30, 'stale'],
  ['max-age=1, must-revalidate, stale-while-revalidate=60', 30, 'revalidate'],
])('9111 §5.2.2: in a private cache %s after %i s is a %s', (value, later, kind) => {
  const rules = policy({ mode: 'private' })
  expect(evaluate(get(), [kept(cc(value, tag), { policy: rules })], at(later), rules).kind).toBe(kind)
})

test('9213 §3.1: a private cache does not read what is for those of a CDN', () => {
  const rules = policy({ mode: 'private' })
  const stored = kept({ 'cdn-cache-control': 'max-age=60', ...cc('max-age=1', tag) } as Fields, { policy: rules })
  expect(evaluate(get(), [stored], at(30), rules).kind).toBe('revalidate')
})

test('5861 §4: what cannot be asked about is asked for, and helps against an error all the same', () => {
  const stored = kept(cc('max-age=1, stale-if-error=60'))
  expect(evaluate(get(), [stored], at(30), policy())).toEqual({ kind: 'fetch', forward: 'stale', fallback: stored })
})

test.each([
  [{}, 30, false],
  [{ requestDirectives: true }, 30, true],
  [{ requestDirectives: true }, 62, false],
])('5861 §4: stale-if-error of a request, given %j, helps after %i s: %s', (options, later, helps) => {
  const stored = kept(cc('max-age=1', tag))
  const decision = evaluate(get(cc('stale-if-error=60')), [stored], at(later), policy(options))
  expect(decision.kind === 'revalidate' && decision.fallback).toBe(helps ? stored : undefined)
})

test('5861 §4: stale-if-error of a request never lifts what the response forbids', () => {
  const stored = kept(cc('max-age=1, must-revalidate', tag))
  const decision = evaluate(get(cc('stale-if-error=60')), [stored], at(30), policy({ requestDirectives: true }))
  expect(decision).toMatchObject({ kind: 'revalidate' })
  expect(decision).not.toHaveProperty('fallback')
})

test('5861 §3: in the background the whole is asked for, by what is stored', () => {
  const stored = kept(cc('max-age=1, stale-while-revalidate=60', tag), { bodyBytes: 10 })
  const request = get({ range: 'bytes=0-1', 'if-range': '"1"', 'if-none-match': '"0"', accept: 'a' })
  const decision = evaluate(request, [stored], at(30), policy())
  expect(decision).toMatchObject({ kind: 'stale', stored, answer: { status: 206 } })
  expect(decision.kind === 'stale' && Object.fromEntries(decision.refresh)).toEqual({ accept: 'a', 'If-None-Match': '"1"' })
})

test('defaults hold for responses that do not say it themselves', () => {
  const rules = policy({ defaults: { freshMs: 10_000, staleWhileRevalidateMs: 5_000, staleIfErrorMs: 9_000 } })
  const kind = (fields: Fields, later: number) => evaluate(get(), [kept(fields, { policy: rules })], at(later), rules).kind
  expect([9, 10, 14, 15].map((later) => kind(tag, later))).toEqual(['hit', 'stale', 'stale', 'revalidate'])
  expect(kind(cc('max-age=1, stale-while-revalidate=0', tag), 2)).toBe('revalidate')
  expect(kind(cc('max-age=1, must-revalidate', tag), 2)).toBe('revalidate')
})

describe('properties', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc
      .array(fc.constantFrom('max-age=9', 'no-cache', '"', '=', ',', ' ', '*', 'W/', '\\', 'x', 'private', 'vary', ';'), {
        maxLength: 9,
      })
      .map((all) => all.join('')),
  )
  const fields = fc
    .dictionary(
      fc.constantFrom(
        ...['cache-control', 'cdn-cache-control', 'expires', 'date', 'age', 'vary', 'etag', 'last-modified', 'connection'],
        ...['content-encoding', 'content-length', 'set-cookie', 'pragma', 'range', 'if-range', 'if-none-match'],
        ...['if-modified-since', 'accept-encoding', 'cookie', 'no-vary-search'],
      ),
      text,
    )
    .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => /^[ -~]*$/.test(value))))

  test('whatever two sides write, the rules decide, and what is for one is never reused', () => {
    fc.assert(
      fc.property(fields, fields, fields, fc.integer({ min: -100, max: 100 }), (request, response, news, later) => {
        const verdict = storable(get(request), reply(response), times, policy())
        if (!verdict.store) return
        const fresh = { requestTimeMs: at(1), responseTimeMs: at(2) }
        const pairs = updated(get(request), reply(news, 304), fresh, verdict.meta, [verdict.meta], policy())
        for (const variants of [[verdict.meta], pairs.map(([, after]) => after)]) {
          const decision = evaluate(get(request), variants, at(later), policy())
          if (decision.kind !== 'hit' && decision.kind !== 'stale') continue
          const directives = parseCacheControl(HeaderList.fromRaw([...decision.stored.headers]).getAll('cache-control'))
          if (!news['cdn-cache-control'] && !response['cdn-cache-control']) expect(directives.has('private')).toBe(false)
          expect(decision.answer.headers.has('set-cookie')).toBe(false)
        }
      }),
      { seed: 9111, numRuns: 3_000 },
    )
  })

  const age = fc.oneof(fc.nat(1_000).map(String), fc.string())
  test('Age is never negative, whatever the clock does', () => {
    fc.assert(
      fc.property(
        age.filter((text) => /^[ -~]*$/.test(text)),
        fc.integer({ min: -10_000, max: 500 }),
        (text, later) => {
          const decision = evaluate(get(), [kept(cc('max-age=99999', { age: text }))], at(later), policy())
          expect(decision.kind === 'hit' && Number(decision.answer.headers.get('age'))).toBeGreaterThanOrEqual(0)
        },
      ),
      { seed: 9111 },
    )
  })

  test('what is stale does not become fresh again', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(200), fc.nat(200), (maxAge, first, more) => {
        const stored = kept(cc(`max-age=${maxAge}`, tag))
        expect(remaining(stored, at(first + more), policy())).toBeLessThanOrEqual(remaining(stored, at(first), policy()))
      }),
      { seed: 9111 },
    )
  })

  test('a 304 that comes twice changes nothing the second time', () => {
    const name = fc.constantFrom('cache-control', 'x-a', 'x-b', 'content-length', 'date', 'age', 'etag')
    fc.assert(
      fc.property(fc.dictionary(name, fc.constantFrom('max-age=5', '1', '"1"')), (fields) => {
        const times = { requestTimeMs: at(9), responseTimeMs: at(10) }
        const again = (stored: StoredMeta) => updated(get(), reply(fields, 304), times, stored, [stored], policy())[0]?.[1]
        const once = again(kept(cc('max-age=1', { ...tag, 'x-a': '0' })))
        if (once) expect(again(once)).toEqual(once)
      }),
      { seed: 9111 },
    )
  })
})
