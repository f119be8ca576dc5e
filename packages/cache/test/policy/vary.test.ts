import { evaluate, type PolicyOptions, selects } from '@gatelet/cache'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { httpDate } from '../../src/policy/http-date.ts'
import { at, type Fields, get, kept, policy } from './fakes.ts'

const varying = (vary: string, request: Fields, more: Readonly<Record<string, string>> = {}, options: PolicyOptions = {}) =>
  kept({ 'cache-control': 'max-age=60', vary, ...more }, { request, policy: policy(options) })

// section, Vary, request then, request now, whether it may have it
const rows: readonly (readonly [string, string, Fields, Fields, boolean])[] = [
  ['9111 §4.1', '', { a: '1' }, { a: '2' }, true],
  ['9111 §4.1', 'a', { a: '1' }, { a: '1' }, true],
  ['9111 §4.1', 'a', { a: '1' }, { a: '2' }, false],
  ['9111 §4.1', 'a', { a: '1' }, {}, false],
  ['9111 §4.1', 'a', {}, { a: '1' }, false],
  ['9111 §4.1', 'a', {}, {}, true],
  ['9111 §4.1', 'a', {}, { a: '' }, false],
  ['9111 §4.1', 'a', { a: '' }, { a: '' }, true],
  ['9110 §5.1', 'A', { a: '1' }, { A: '1' }, true],
  ['9111 §4.1', 'a', { a: '1' }, { a: '1', b: '2' }, true],
  ['9111 §4.1', 'a, b', { a: '1', b: '2' }, { b: '2', a: '1' }, true],
  ['9111 §4.1', 'a, b', { a: '1', b: '2' }, { a: '1', b: '3' }, false],
  ['9111 §4.1', 'a, b', { a: '1', b: '2' }, { a: '1' }, false],
  ['9111 §4.1', 'a,b', { a: '1' }, { a: '1' }, true],
  ['9110 §5.6.1', ', a,,b ,', { a: '1' }, { a: '2' }, false],
  ['9110 §5.6.1', ', a,,b ,', { b: '1' }, { b: '1' }, true],
  ['9111 §4.1', 'a, a, A', { a: '1' }, { a: '1' }, true],
  ['9111 §4.1', 'a', { a: '1,2' }, { a: ' 1,  2 ' }, true],
  ['9111 §4.1', 'a', { a: '1 , 2' }, { a: '1,2' }, true],
  ['9111 §4.1', 'a', { a: '1  2' }, { a: '1 2' }, true],
  ['9111 §4.1', 'a', { a: '1\t2' }, { a: '1 2' }, true],
  ['9111 §4.1', 'a', { a: '12' }, { a: '1 2' }, false],
  ['9111 §4.1', 'a', { a: 'x' }, { a: 'X' }, false],
  ['9111 §4.1', 'a', { a: '1, 2' }, { a: '2, 1' }, false],
  [
    '9111 §4.1',
    'a',
    { a: '1, 2' },
    [
      ['a', '1'],
      ['A', '2'],
    ],
    true,
  ],
  ['9111 §4.1', 'constructor', {}, {}, true],
  ['9111 §4.1', '__proto__', {}, [['__proto__', '1']], false],
  ['9111 §4.1', '__proto__', [['__proto__', '1']], [['__proto__', '1']], true],
  ...(
    [
      ['gzip', 'gzip', true],
      ['gzip', 'GZIP', true],
      ['gzip', 'x-gzip', true],
      ['gzip, br', 'br, gzip', true],
      ['gzip, br', 'br;q=0.5,gzip;q=1.0', true],
      ['gzip, br', 'gzip', false],
      ['gzip', 'gzip, unheard-of', true],
      ['gzip', 'gzip, identity', true],
      ['gzip', 'gzip;q=0', false],
      ['gzip', 'gzip;q=0.0', false],
      ['gzip', 'gzip; q = 0.000', false],
      ['gzip', 'gzip;q=0.001', true],
      ['gzip', 'gzip, br;q=0', true],
      ['br, deflate, gzip, zstd', '*', true],
      ['br, deflate, zstd', '*, gzip;q=0', true],
      ['gzip', '*;q=0, gzip', false],
      ['gzip, identity;q=0', '*;q=0, gzip', true],
      ['gzip, identity;q=0', 'gzip', false],
      ['identity', '', true],
      ['', 'gzip', false],
      ['unheard-of', '', true],
      ['gzip', ',, gzip ,', true],
    ] as const
  ).map(([then, now, matches]) => ['9110 §12.5.3', 'accept-encoding', coding(then), coding(now), matches] as const),
  ['9110 §8.5.1', 'Accept-Language', { 'accept-language': 'en-GB, de' }, { 'accept-language': 'EN-gb,DE' }, true],
  ['9110 §12.5.4', 'Accept-Language', { 'accept-language': 'en, de' }, { 'accept-language': 'de, en' }, false],
  ['9110 §8.5.1', 'Other', { other: 'en-GB' }, { other: 'EN-gb' }, false],
  ['9110 §12.5.3', 'Accept-Encoding', {}, coding(''), false],
  ['9110 §12.5.3', 'Accept-Encoding', {}, coding('gzip'), false],
  ['9110 §12.5.3', 'Accept-Encoding', {}, {}, true],
]

function coding(value: string): Fields {
  return { 'accept-encoding': value }
}

test.each(rows)('%s: Vary: %s, stored for %j, asked for with %j: %s', (_section, vary, then, now, matches) => {
  const stored = varying(vary, then)
  expect(selects(stored, get(now), policy())).toBe(matches)
  expect(evaluate(get(now), [stored], at(1), policy())).toMatchObject(
    matches ? { kind: 'hit', stored } : { kind: 'fetch', forward: 'vary-miss' },
  )
})

test('9111 §4.1: in a private cache, and where keys are of one, credentials are compared like others', () => {
  for (const options of [{ mode: 'private' }, { partitioned: true }] as const) {
    const stored = varying('cookie', { cookie: 'a=1' }, {}, options)
    expect(selects(stored, get({ cookie: 'a=1' }), policy(options))).toBe(true)
    expect(selects(stored, get({ cookie: 'a=2' }), policy(options))).toBe(false)
  }
})

test('9111 §4: of several that match, the newest by its date is taken, not the one that came last', () => {
  const dated = (seconds: number) => varying('', {}, { date: httpDate(at(seconds)) })
  const [old, newest, older] = [dated(-10), dated(-1), dated(-20)]
  const decision = evaluate(get(), [old, newest, older], at(1), policy())
  expect(decision.kind === 'hit' && decision.stored).toBe(newest)
})

test('9111 §4: what does not match is passed over, however new it is', () => {
  const matching = varying('a', { a: '1' }, { date: httpDate(at(-10)) })
  const decision = evaluate(get({ a: '1' }), [varying('a', { a: '2' }), matching], at(1), policy())
  expect(decision.kind === 'hit' && decision.stored).toBe(matching)
})

test('9111 §5.2.1.7: only-if-cached is a miss where no variant matches', () => {
  const request = get({ a: '2', 'cache-control': 'only-if-cached' })
  expect(evaluate(request, [varying('a', { a: '1' })], at(1), policy())).toEqual({
    ...{ kind: 'only-if-cached-miss', forward: 'vary-miss' },
  })
})

test('a request always has what was stored for the same', () => {
  const value = fc
    .array(fc.constantFrom(' ', ',', '"', '\\', 'gzip', ';q=0', '*', '\t'), { maxLength: 30 })
    .map((parts) => parts.join(''))
  const name = fc.constantFrom('accept', 'accept-encoding', 'accept-language')
  fc.assert(
    fc.property(name, value, (field, text) => {
      expect(selects(varying(field, { [field]: text }), get({ [field]: text }), policy())).toBe(true)
    }),
    { seed: 9111, numRuns: 1_000 },
  )
})

test('long runs of spaces, quotes or commas take no more time than their length', () => {
  const long = [' '.repeat(200_000), '"\\"'.repeat(70_000), ', '.repeat(100_000)]
  for (const text of long) {
    const request = get({ a: `x${text}y`, 'cache-control': text, pragma: text, 'accept-encoding': text })
    expect(evaluate(request, [varying('a', {})], at(1), policy()).kind).toBe('fetch')
    expect(evaluate(request, [varying('accept-encoding', {})], at(1), policy()).kind).toBe('fetch')
  }
})
