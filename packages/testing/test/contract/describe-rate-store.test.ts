import { memoryRateStore } from '@gatelet/rate-limiter'
import { describeRateStore, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { brokenRateStores } from '../broken/rate-stores/index.ts'
import { casesOf, failingCases } from './failing-cases.ts'

const caught = new Set<string>()

describe('a store with one mistake', () => {
  test.each(Object.entries(brokenRateStores))('%s fails by the right case', async (name, { make, failsBy, saying }) => {
    const start = () => {
      const clock = virtualClock()
      return { store: make(clock), advance: (ms: number) => clock.advance(ms) }
    }
    const failed = await failingCases((runner) => describeRateStore(name, start, runner))
    expect([...failed.keys()]).toContain(failsBy)
    expect(String(failed.get(failsBy))).toMatch(saying)
    for (const name of failed.keys()) caught.add(name)
  })

  test('is caught by every case there is', () => {
    const all = casesOf((runner) => describeRateStore('x', right, runner))
    expect([...all.keys()].filter((name) => !caught.has(name))).toEqual([])
  })
})

function right() {
  const clock = virtualClock()
  return { store: memoryRateStore({ clock }), advance: (ms: number) => clock.advance(ms) }
}

describeRateStore('a store in another unit of time', right, { describe, test, unitMs: 50 })

test('closes what was started for a case, also when that fails', async () => {
  let open = 0
  const start = () => {
    open++
    const store = { take: () => [], give() {} }
    return { store, advance: () => {}, close: () => void open-- }
  }
  const failed = await failingCases((runner) => describeRateStore('x', start, runner))
  expect(failed.size).toBeGreaterThan(10)
  expect(String([...failed.values()][0])).toMatch(/a verdict for each request/)
  expect(open).toBe(0)
})

describe('options', () => {
  test.each<[string, unknown, RegExp]>([
    ['unitMs', 5, /unitMs must be a number of milliseconds from 10 to 60000/],
    ['describe', 'x', /describe must be a function/],
    ['test', {}, /test must be a function/],
    ['unit', 1, /unit is not an option; did you mean unitMs/],
  ])('%s that is not right stops the start', (option, value, message) => {
    expect(() => describeRateStore('x', right, { describe, test, [option]: value })).toThrow(message)
  })

  test('a name and a store must be there', () => {
    expect(() => describeRateStore('', right)).toThrow(/name must be a string/)
    expect(() => describeRateStore('x', {} as never)).toThrow(/start must be a function that starts a store/)
  })
})
