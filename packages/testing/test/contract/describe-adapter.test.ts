import { describeAdapter } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { brokenAdapters } from '../broken/adapters/index.ts'
import { nodeStarter } from '../node-starter.ts'
import { casesOf } from './failing-cases.ts'

const known = 'sends a reply that comes later'

describe('an adapter with one mistake', () => {
  test.for(Object.entries(brokenAdapters))('%s fails by the right case', { timeout: 40_000 }, async ([name, broken]) => {
    const { start, parsers = [], failsBy, saying } = broken
    const cases = casesOf((runner) => describeAdapter(name, start, { ...runner, parsers }))
    await expect(async () => cases.get(failsBy)?.()).rejects.toThrow(saying)
    // It is an adapter all the same.
    await cases.get(known)?.()
  })
})

test('there are at least 60 cases', () => {
  expect(casesOf((runner) => describeAdapter('x', nodeStarter(), runner)).size).toBeGreaterThanOrEqual(60)
})
