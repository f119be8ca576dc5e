import { addCacheStatus, type CacheStatus } from '@gatelet/cache'
import { HeaderList } from '@gatelet/core'
import fc from 'fast-check'
import { parseList } from 'structured-headers'
import { expect, test } from 'vitest'
import { policy } from './fakes.ts'

// section, status, member
const rows: readonly (readonly [string, CacheStatus, string])[] = [
  ['9211 §2', {}, 'gatelet'],
  ['9211 §2.1', { hit: { ttlMs: 5_000 } }, 'gatelet; hit; ttl=5'],
  ['9211 §2.5', { hit: { ttlMs: 5_999 } }, 'gatelet; hit; ttl=5'],
  ['9211 §2.5', { hit: { ttlMs: 0 } }, 'gatelet; hit; ttl=0'],
  ['9211 §2.5', { hit: { ttlMs: -1 } }, 'gatelet; hit; ttl=-1'],
  ['9211 §2.5', { hit: { ttlMs: -412_000 } }, 'gatelet; hit; ttl=-412'],
  ['9211 §2.2', { forward: 'uri-miss' }, 'gatelet; fwd=uri-miss'],
  ['9211 §2.2', { forward: 'vary-miss' }, 'gatelet; fwd=vary-miss'],
  ['9211 §2.2', { forward: 'bypass', detail: 'authorization' }, 'gatelet; fwd=bypass; detail=authorization'],
  ['9211 §2.3', { forward: 'stale', forwardStatus: 304 }, 'gatelet; fwd=stale; fwd-status=304'],
  ['9211 §2.4', { forward: 'miss', stored: true }, 'gatelet; fwd=miss; stored'],
  ['9211 §2.4', { forward: 'miss', stored: false }, 'gatelet; fwd=miss'],
  ['9211 §2.6', { forward: 'uri-miss', collapsed: true }, 'gatelet; fwd=uri-miss; collapsed'],
  ['9211 §2.8', { detail: 'two words' }, 'gatelet; detail="two words"'],
  ['9211 §2.8', { detail: 'a"b\\' }, 'gatelet; detail="a\\"b\\\\"'],
  [
    '9211 §2',
    { forward: 'stale', forwardStatus: 200, stored: true, collapsed: true, detail: 'no-cache' },
    'gatelet; fwd=stale; fwd-status=200; stored; collapsed; detail=no-cache',
  ],
]

test.each(rows)('%s: %j is %s', (_section, status, member) => {
  const headers = new HeaderList()
  addCacheStatus(headers, status, policy())
  expect(headers.getAll('cache-status')).toEqual([member])
})

test('9211 §2: ours comes behind those of caches nearer to the origin', () => {
  const headers = new HeaderList({ 'Cache-Status': 'origin; hit' })
  addCacheStatus(headers, { forward: 'uri-miss' }, policy())
  expect(headers.get('cache-status')).toBe('origin; hit, gatelet; fwd=uri-miss')
})

test.each([
  ['edge', 'edge'],
  ['edge.1', 'edge.1'],
  ['*', '*'],
  ['my cache', '"my cache"'],
  ['1st', '"1st"'],
  ['a"b', '"a\\"b"'],
])('9211 §2: a cache named %j writes %s', (name, member) => {
  const headers = new HeaderList()
  addCacheStatus(headers, {}, policy({ name }))
  expect(headers.get('cache-status')).toBe(member)
})

test('9651 §4.2: whatever is said can be read again', () => {
  const ascii = fc.string().filter((text) => /^[ -~]*$/.test(text))
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), ascii, (ttlMs, detail) => {
      const headers = new HeaderList()
      addCacheStatus(headers, { hit: { ttlMs }, detail }, policy())
      const [[, params] = []] = parseList(headers.get('cache-status') ?? '')
      expect(params?.get('ttl')).toBe(Math.floor(ttlMs / 1_000))
      expect(String(params?.get('detail'))).toBe(detail)
    }),
    { seed: 9211 },
  )
})
