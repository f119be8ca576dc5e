import { memoryCacheStore } from '@gatelet/cache'
import { describeCacheStore } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { brokenCacheStores, limits } from '../broken/cache-stores/index.ts'
import { casesOf, failingCases } from './failing-cases.ts'

const right = () => ({ store: memoryCacheStore({ maxBytes: 5_000_000, ...limits }), ...limits })
const caught = new Set<string>()

describe('a store with one mistake', () => {
  test.each(Object.entries(brokenCacheStores))('%s fails by the right case', async (name, { make, failsBy, saying }) => {
    const failed = await failingCases((runner) => describeCacheStore(name, () => ({ store: make(), ...limits }), runner))
    expect([...failed.keys()]).toContain(failsBy)
    expect(String(failed.get(failsBy))).toMatch(saying)
    for (const name of failed.keys()) caught.add(name)
  })

  test('is caught by every case there is', () => {
    const all = casesOf((runner) => describeCacheStore('x', right, runner))
    expect([...all.keys()].filter((name) => !caught.has(name))).toEqual([])
  })
})

describeCacheStore('a store with another idea of time', () => ({ ...right(), date: () => Date.now() - 1_000 }), {
  describe,
  test,
})

test('closes what was started for a case, also when that fails', async () => {
  let open = 0
  const start = () => {
    open++
    const store = { get: () => [], open: () => undefined, touch() {}, purge: () => 0 }
    return { store, ...limits, close: () => void open-- }
  }
  const failed = await failingCases((runner) => describeCacheStore('x', start, runner))
  expect(String([...failed.values()][0])).toMatch(/the store took no entry/)
  expect(open).toBe(0)
})

test.each<[string, unknown, RegExp]>([
  ['describe', 'x', /describe must be a function/],
  ['test', {}, /test must be a function/],
  ['unit', 1, /unit is not an option/],
])('%s that is not right stops the start', (option, value, message) => {
  expect(() => describeCacheStore('x', right, { describe, test, [option]: value })).toThrow(message)
})
