import { HeaderList } from '@gatelet/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { combinedCaching } from '../../src/aggregate/caching.ts'

const said = (cacheControl: string, more: Record<string, string> = {}) =>
  new HeaderList(cacheControl === '' ? more : { 'cache-control': cacheControl, ...more })
const together = (...parts: string[]) =>
  combinedCaching(
    parts.map((part) => said(part)),
    false,
  )

test.each([
  ['the part that lives shortest says how long', ['max-age=60', 'max-age=5'], 'max-age=5'],
  ['one that says nothing forbids it', ['max-age=60', ''], 'no-store'],
  ['one that says nothing of time forbids it', ['max-age=60', 'public'], 'no-store'],
  ['one that forbids it forbids it', ['max-age=60', 'max-age=60, no-store'], 'no-store'],
  ['one that is private makes it private', ['max-age=60', 'private, max-age=90'], 'private, max-age=60'],
  ['private for some fields is private', ['private="a, max-age=9", max-age=60'], 'private, max-age=60'],
  ['one that must be asked again makes it so', ['max-age=60', 'no-cache, max-age=9'], 'no-cache, max-age=9'],
  ['what is for shared caches shortens it', ['max-age=60, s-maxage=10'], 'max-age=10'],
  ['and does not lengthen it', ['max-age=60, s-maxage=100'], 'max-age=60'],
  ['what is for shared caches only is for nobody else', ['s-maxage=100'], 'max-age=0'],
  ['duties stay', ['max-age=60, must-revalidate', 'max-age=60, no-transform'], 'max-age=60, must-revalidate, no-transform'],
  ['permissions to be stale do not', ['max-age=60, stale-while-revalidate=9, immutable, public'], 'max-age=60'],
  ['case and quotes play no part', ['MAX-AGE="60"'], 'max-age=60'],
  ['what is no number is no time', ['max-age=x'], 'max-age=0'],
  ['the first of two counts', ['max-age=5, max-age=60'], 'max-age=5'],
])('%s', (_, parts, expected) => {
  expect(together(...parts)).toBe(expected)
})

test('the age that a part has already is taken off', () => {
  expect(combinedCaching([said('max-age=60', { age: '50' })], false)).toBe('max-age=10')
  expect(combinedCaching([said('max-age=60', { age: '90' })], false)).toBe('max-age=0')
})

test.each([
  ['cdn-cache-control', 'no-store', 'private, max-age=60'],
  ['Surrogate-Control', 'no-store, content="ESI/1.0"', 'private, max-age=60'],
  ['cloudflare-cdn-cache-control', 'private', 'private, max-age=60'],
  ['cdn-cache-control', 'max-age=5', 'max-age=5'],
  ['cdn-cache-control', 'max-age=600', 'max-age=60'],
  ['surrogate-control', 'max-age=60+30', 'max-age=0'],
  ['x-control', 'no-store', 'max-age=60'],
])('%s: %s, for some shared caches, holds for all', (name, value, expected) => {
  expect(combinedCaching([said('max-age=60', { [name]: value })], false)).toBe(expected)
})

test('a reply to somebody with credentials is for nobody else', () => {
  expect(combinedCaching([said('max-age=60')], true)).toBe('private, max-age=60')
})

test('what varies with everything is not stored, and neither is what has no parts', () => {
  expect(combinedCaching([said('max-age=60', { vary: '*' })], false)).toBe('no-store')
  expect(combinedCaching([], false)).toBe('no-store')
})

test('no part is stored longer, or by more, than it allows', () => {
  const directive = fc.oneof(
    fc.nat({ max: 100 }).map((seconds) => `max-age=${seconds}`),
    fc.nat({ max: 100 }).map((seconds) => `s-maxage=${seconds}`),
    fc.constantFrom('public', 'private', 'no-store', 'no-cache', 'must-revalidate', 'x="a, b"'),
  )
  const list = fc.uniqueArray(directive, { selector: (each) => each.split('=')[0], maxLength: 4 })
  fc.assert(
    fc.property(fc.array(list, { minLength: 1, maxLength: 4 }), (parts) => {
      const result = together(...parts.map((each) => each.join(', ')))
      const all = parts.flat()
      if (all.includes('no-store') || parts.some((each) => !each.some((one) => /^(?:max-age|s-maxage)=/.test(one)))) {
        expect(result).toBe('no-store')
        return
      }
      const seconds = Number(/max-age=(\d+)/.exec(result)?.[1])
      for (const one of all) if (/age=/.test(one)) expect(seconds).toBeLessThanOrEqual(Number(one.split('=')[1]))
      for (const duty of ['private', 'no-cache', 'must-revalidate']) expect(result.includes(duty)).toBe(all.includes(duty))
      expect(result).not.toContain('public')
    }),
    { seed: 42, numRuns: 500 },
  )
})
