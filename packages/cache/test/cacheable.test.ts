import { cache, cacheable } from '@gatelet/cache'
import { chain, HeaderList, json } from '@gatelet/core'
import { call } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { PlainStore } from './fakes/plain-store.ts'

test('says how long a reply may be given again, in place of what it said itself', () => {
  const said = cacheable({ ttlMs: 61_999, staleWhileRevalidateMs: 5_000, staleIfErrorMs: 600_000 })
  const headers = new HeaderList({ 'cache-control': 'no-store', expires: '0', 'cdn-cache-control': 'no-store' })
  expect([...said({ status: 200, headers, body: null }).headers]).toEqual([
    ['cache-control', 'max-age=61, stale-while-revalidate=5, stale-if-error=600'],
  ])
})

test.each([
  [{ ttlMs: 60_000, isPublic: true }, 'public, max-age=60', undefined],
  [{ ttlMs: 60_000, browserMs: 0 }, 'no-cache', 'max-age=60'],
  [{ ttlMs: 60_000, browserMs: 5_000, isPublic: true }, 'public, max-age=5', 'public, max-age=60'],
])('%j', (options, forAll, forCaches) => {
  const { headers } = cacheable(options)(json({}))
  expect([headers.get('cache-control'), headers.get('cdn-cache-control')]).toEqual([forAll, forCaches])
})

test('names the tags to purge by, which clients do not see', async () => {
  const aMinute = cacheable({ ttlMs: 60_000, browserMs: 0 })
  let asked = 0
  const layer = cache({ store: new PlainStore() })
  const handler = chain()
    .use(layer)
    .to(() => aMinute(json(++asked), ['user:7', 'users']))
  const first = await call(handler)
  expect(await first.json()).toBe(1)
  expect(first.headers.has('cache-tag')).toBe(false)
  expect(await (await call(handler)).json()).toBe(1)
  expect(await layer.purge({ tag: 'user:7' })).toBe(1)
  expect(await (await call(handler)).json()).toBe(2)
})

test.each(['', 'a b', 'a,b', 'é', 7 as never])('refuses the tag %j', (tag) => {
  expect(() => cacheable({ ttlMs: 60_000 })(json({}), [tag])).toThrow('ASCII')
})
