import { memoryRateStore, type RateRule } from '@gatelet/rate-limiter'
import { describeRateStore, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

describeRateStore(
  'memoryRateStore',
  () => {
    const clock = virtualClock({ now: 12_345 })
    return { store: memoryRateStore({ clock }), advance: (ms) => clock.advance(ms) }
  },
  { describe, test },
)

const rules: readonly RateRule[] = [
  { algorithm: 'gcra', name: 'a', limit: 3, windowMs: 60_000, burst: 3 },
  { algorithm: 'fixed', name: 'a', limit: 3, windowMs: 60_000 },
  { algorithm: 'sliding', name: 'a', limit: 3, windowMs: 60_000 },
  { algorithm: 'concurrency', name: 'a', limit: 3 },
]

describe.each(rules)('$algorithm, under a flood of keys', (rule) => {
  function flooded() {
    const clock = virtualClock()
    const store = memoryRateStore({ maxKeys: 1_000, clock })
    let leases = 0
    const passes = (key: string, times: number) => {
      let passed = 0
      for (let asked = 0; asked < times; asked++)
        if (store.take([{ rule, key, cost: 1, lease: String(leases++) }])[0]?.allowed) passed++
      return passed
    }
    return { clock, store, passes }
  }

  test('a count goes on that was there before', () => {
    const { store, passes } = flooded()
    expect(passes('victim', 2)).toBe(2)
    for (let key = 0; key < 20_000; key++) passes(`made up ${key}`, 1)
    const { bytes } = store
    expect(passes('victim', 3)).toBe(1)
    for (let key = 0; key < 20_000; key++) passes(`more ${key}`, 1)
    expect(store.bytes).toBe(bytes)
  })

  test('keys that find no room are limited together', () => {
    const { passes } = flooded()
    let passed = 0
    for (let key = 0; key < 20_000; key++) passed += passes(`made up ${key}`, 1)
    // A thousand have counts of their own, the others share a thousand of three each (slots: three, for all of them).
    expect(passed).toBeLessThanOrEqual(1_016 + 1_024 * 3)
  })

  test.skipIf(rule.algorithm === 'concurrency')('all is as before when the flood is over', async () => {
    const { clock, passes } = flooded()
    for (let key = 0; key < 20_000; key++) passes(`made up ${key}`, 1)
    await clock.advance(121_000)
    expect([passes('x', 5), passes('y', 5)]).toEqual([3, 3])
  })
})

test('a key that shared a count keeps it when there is room: it does not get two allowances', async () => {
  const clock = virtualClock()
  const store = memoryRateStore({ maxKeys: 8, clock })
  const rule: RateRule = { algorithm: 'fixed', name: 'a', limit: 3, windowMs: 60_000 }
  const passes = (key: string, times: number) => {
    let passed = 0
    for (let asked = 0; asked < times; asked++) if (store.take([{ rule, key, cost: 1 }])[0]?.allowed) passed++
    return passed
  }
  for (let key = 0; key < 8; key++) passes(`early ${key}`, 1)
  await clock.advance(30_000)
  expect(passes('late', 2)).toBe(2)
  await clock.advance(31_000)
  expect(passes('late', 3)).toBe(1)
})

test('names of rules without end are a mistake, which is told', () => {
  const store = memoryRateStore()
  const take = (name: string) => store.take([{ rule: { algorithm: 'fixed', name, limit: 1, windowMs: 1 }, key: 'k', cost: 1 }])
  for (let name = 0; name < 1_000; name++) take(`rule ${name}`)
  expect(() => take('one more')).toThrow(/more than 1000 names of rules/)
  expect(take('rule 7')).toHaveLength(1)
})

test('counts in sliding windows go on when their length changes, and are over as soon as the last one says', async () => {
  const clock = virtualClock()
  const store = memoryRateStore({ clock })
  const hourly: RateRule = { algorithm: 'sliding', name: 'a', limit: 1_000, windowMs: 3_600_000 }
  const minutely: RateRule = { algorithm: 'sliding', name: 'a', limit: 100, windowMs: 60_000 }
  const take = (rule: RateRule, cost: number) => store.take([{ rule, key: 'ada', cost }])[0]
  await clock.advance(1_800_000)
  expect(take(hourly, 900)).toMatchObject({ allowed: true, remaining: 100 })
  // A plan of minutes in place of one of hours: what was used in the hour does not shut out.
  expect(take(minutely, 30)).toMatchObject({ allowed: true, remaining: 70 })
  expect(take(hourly, 0)).toMatchObject({ remaining: 970 })
  await clock.advance(120_000)
  expect(take(hourly, 0)).toMatchObject({ remaining: 970 })
})
