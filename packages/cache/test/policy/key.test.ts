import { keyOf, type PolicyOptions, parseNoVarySearch, type QueryOptions } from '@gatelet/cache'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { get, policy } from './fakes.ts'

const base = get().url
const search = (text: string, options: PolicyOptions = {}, noVarySearch?: string): string =>
  keyOf({ ...base, search: text }, policy(options), undefined, parseNoVarySearch(noVarySearch)).slice(
    'https://a.example/x'.length,
  )

test.each([
  ['9111 §2', {}, 'https://a.example/x'],
  ['9110 §4.2', { scheme: 'http' }, 'http://a.example/x'],
  ['9110 §4.2', { host: 'b.example' }, 'https://b.example/x'],
  ['9110 §4.2', { port: 8443 }, 'https://a.example:8443/x'],
  ['3986 §3.2.2', { host: '[::1]', port: 1 }, 'https://[::1]:1/x'],
  ['3986 §6.2.2', { path: '/X' }, 'https://a.example/X'],
  ['3986 §6.2.2', { path: '/x/' }, 'https://a.example/x/'],
  ['3986 §6.2.2', { path: '/x;a' }, 'https://a.example/x;a'],
  ['3986 §6.2.2', { path: '/x%2Fy' }, 'https://a.example/x%2Fy'],
  ['3986 §3.4', { search: '?' }, 'https://a.example/x?'],
  ['3986 §3.4', { search: '?a=1' }, 'https://a.example/x?a=1'],
  ['3986 §3.4', { search: '?b&a&&' }, 'https://a.example/x?b&a&&'],
  ['3986 §3.4', { search: '?a=%7E' }, 'https://a.example/x?a=%7E'],
])('%s: the key of what differs by %j is %s', (_section, change, key) => {
  expect(keyOf({ ...base, ...(change as Partial<typeof base>) }, policy())).toBe(key)
})

test('keys of two who ask differ, and none is the key of a URL', () => {
  const keys = [undefined, '', 'a', 'a b'].map((partition) => keyOf(base, policy(), partition))
  expect(new Set(keys).size).toBe(4)
  expect(keys.slice(1).every((key) => key.includes(' '))).toBe(true)
})

// query options, query, what of it is in the key
const queries: readonly (readonly [QueryOptions, string, string])[] = [
  [{ sort: true }, '', ''],
  [{ sort: true }, '?', '?'],
  [{ sort: true }, '?b=1&a=2', '?a=2&b=1'],
  [{ sort: true }, '?a=2&a=1', '?a=2&a=1'],
  [{ sort: true }, '?b&a=2&a=1', '?a=2&a=1&b'],
  [{ sort: true }, '?B&a', '?B&a'],
  [{ sort: true }, '?%61=2&a=1', '?%61=2&a=1'],
  [{ sort: true }, '?b&%61', '?%61&b'],
  [{ sort: true }, '?a&&b', '?&a&b'],
  [{ sort: true }, '?%zz&a', '?%zz&a'],
  [{ sort: false }, '?b&a', '?b&a'],
  [{ ignore: ['utm'] }, '?utm=1', ''],
  [{ ignore: ['utm'] }, '?a=1&utm=1&b=2', '?a=1&b=2'],
  [{ ignore: ['utm'] }, '?utm', ''],
  [{ ignore: ['utm'] }, '?utm=1&utm=2', ''],
  [{ ignore: ['utm'] }, '?u%74m=1', ''],
  [{ ignore: ['u m'] }, '?u+m=1&u%20m=2', ''],
  [{ ignore: ['utm'] }, '?UTM=1', '?UTM=1'],
  [{ ignore: ['utm'] }, '?utm_x=1', '?utm_x=1'],
  [{ ignore: ['utm'] }, '?utm[]=1', '?utm[]=1'],
  [{ ignore: ['utm'] }, '?utm=1;id=2', '?utm=1;id=2'],
  [{ ignore: ['utm'] }, '?utm=1&a=utm=1', '?a=utm=1'],
  [{ ignore: ['utm'] }, '?', '?'],
  [{ ignore: [] }, '?utm=1', '?utm=1'],
  [{ ignore: ['__proto__'] }, '?__proto__=1&a=1', '?a=1'],
  [{ only: ['id'] }, '?id=1&x=2', '?id=1'],
  [{ only: ['id'] }, '?x=2', ''],
  [{ only: ['id'] }, '?x=2;id=1', '?x=2;id=1'],
  [{ only: ['id'] }, '?id=1&id=2', '?id=1&id=2'],
  [{ only: [] }, '?id=1', ''],
  [{ only: ['id', 'b'], ignore: ['b'] }, '?id=1&b=2', '?id=1'],
  [{ only: ['id', 'a'], sort: true }, '?id=1&x&a=2', '?a=2&id=1'],
]

test.each(queries)('with %j, of %j the key has %j', (query, text, expected) => {
  expect(search(text, { query })).toBe(expected)
})

// draft-ietf-httpbis-no-vary-search, section, field, query, what of it is in the key
const hints: readonly (readonly [string, string | undefined, string, string])[] = [
  ['§2', undefined, '?b&a', '?b&a'],
  ['§2.1', 'key-order', '?b=1&a=2', '?a=2&b=1'],
  ['§2.1', 'key-order=?1', '?b&a', '?a&b'],
  ['§2.1', 'key-order=?0', '?b&a', '?b&a'],
  ['§2.1', 'key-order', '?a=2&a=1', '?a=2&a=1'],
  ['§2.2', 'params', '?a=1&b=2', ''],
  ['§2.2', 'params=?0', '?a=1', '?a=1'],
  ['§2.2', 'params=("a")', '?a=1&b=2', '?b=2'],
  ['§2.2', 'params=("a" "b")', '?a=1&b=2', ''],
  ['§2.2', 'params=()', '?a=1', '?a=1'],
  ['§2.2', 'params=("a"), key-order', '?c&a=1&b=2', '?b=2&c'],
  ['§2.3', 'params, except=("a")', '?a=1&b=2', '?a=1'],
  ['§2.3', 'params, except=()', '?a=1', ''],
  ['§3', 'params=("c d")', '?c+d=1&c%20d=2', ''],
  ['§3', 'params=("c+d")', '?c+d=1&c%20d=2', ''],
  ['§3', 'params=("%63%20d")', '?c+d=1', ''],
  ['§3', 'params=("a")', '?a=1;b=2', '?a=1;b=2'],
  ...[
    ...['params="a"', 'params=a', 'params=(a)', 'params=(1)', 'params=1', 'key-order=1', 'key-order="yes"', 'key-order=()'],
    ...['except=("a")', 'params=("a"), except=("b")', 'params, except="a"', 'params, except=(a)', 'params, except', '&&&', ''],
    ...['foo', 'Params'],
  ].map((field) => ['§2', field, '?b=1&a=2', '?b=1&a=2'] as const),
]

test.each(hints)('%s: No-Vary-Search: %s leaves of %j %j', (_section, field, text, expected) => {
  expect(search(text, { noVarySearch: true }, field)).toBe(expected)
})

test('No-Vary-Search says nothing where it is not followed, which is the default', () => {
  expect(search('?b&a', {}, 'key-order, params')).toBe('?b&a')
})

test('what the options and the response take away of a query adds up', () => {
  expect(search('?a=1&b=2&c=3', { noVarySearch: true, query: { ignore: ['a'] } }, 'params=("b")')).toBe('?c=3')
})

describe('properties', () => {
  const char = fc.constantFrom('a', 'b', '=', '&', ';', '%61', '%', '+', '?')
  const query = fc.array(char, { maxLength: 12 }).map((chars) => (chars.length === 0 ? '' : `?${chars.join('')}`))

  test('without options no two queries have one key', () => {
    fc.assert(
      fc.property(query, query, (one, other) => {
        expect(search(one) === search(other)).toBe(one === other)
      }),
      { seed: 9111, numRuns: 1_000 },
    )
  })

  test('sorting loses nothing, and what is sorted is sorted', () => {
    fc.assert(
      fc.property(query, (text) => {
        const options = { query: { sort: true } }
        const sorted = search(text, options)
        expect([...sorted.slice(1).split('&')].sort()).toEqual(text.slice(1).split('&').sort())
        expect(search(sorted, options)).toBe(sorted)
      }),
      { seed: 9111, numRuns: 1_000 },
    )
  })

  test('ignoring a name takes away only parameters of that name', () => {
    fc.assert(
      fc.property(query, (text) => {
        const left = search(text, { query: { ignore: ['a'] } })
        const expected = text
          .slice(1)
          .split('&')
          .filter((param) => param.includes(';') || !/^(a|%61)(=|$)/.test(param))
        expect(left).toBe(text === '' || expected.length === 0 ? '' : `?${expected.join('&')}`)
      }),
      { seed: 9111, numRuns: 1_000 },
    )
  })
})
