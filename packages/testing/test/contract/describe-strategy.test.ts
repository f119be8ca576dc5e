import { spawnSync } from 'node:child_process'
import type { Endpoint, StrategyFactory } from '@gatelet/core'
import { describeStrategy } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { hash } from '../broken/strategies/hash.ts'
import { brokenStrategies } from '../broken/strategies/index.ts'
import { casesOf, failingCases } from './failing-cases.ts'

const caught = new Set<string>()

describe('a strategy with one mistake', () => {
  test.each(Object.entries(brokenStrategies))(
    '%s fails by the right case',
    async (name, { factory, options, failsBy, saying }) => {
      const failed = await failingCases((runner) => describeStrategy(name, factory, { mayAllocate: true, ...options, ...runner }))
      expect([...failed.keys()]).toContain(failsBy)
      expect(String(failed.get(failsBy))).toMatch(saying)
      for (const name of failed.keys()) caught.add(name)
    },
  )

  test('is caught by every case there is', () => {
    const all = casesOf((runner) => describeStrategy('x', rendezvous, { ...runner, seesLoad: true, hashes: true }))
    expect([...all.keys()].filter((name) => !caught.has(name))).toEqual([])
  })
})

/** Rendezvous hashing: the greatest hash of key and endpoint wins. */
const rendezvous: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  let seeds: readonly number[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
      seeds = snapshot.map(({ id }) => hash(id))
    },
    pick({ hashKey = '', accepts }) {
      let best: Endpoint | undefined
      let greatest = -1
      for (let at = 0; at < endpoints.length; at++) {
        const endpoint = endpoints[at] as Endpoint
        const value = hash(hashKey, seeds[at])
        if (value <= greatest || !accepts(endpoint)) continue
        greatest = value
        best = endpoint
      }
      return best
    },
  }
}

describeStrategy('a strategy that hashes', rendezvous, { describe, test, hashes: true })

const price = (endpoint: Endpoint) => Number(endpoint.metadata['price'] ?? 0)

/** The cheapest endpoint that may be picked, the least busy of equals. */
const cheapestFirst: StrategyFactory = () => {
  let ranked: readonly Endpoint[] = []
  return {
    update(endpoints) {
      ranked = [...endpoints].sort((a, b) => price(a) - price(b))
    },
    pick(context) {
      let best: Endpoint | undefined
      for (const endpoint of ranked) {
        if (!context.accepts(endpoint)) continue
        if (best && price(endpoint) > price(best)) break
        if (!best || endpoint.inflight < best.inflight) best = endpoint
      }
      return best
    },
  }
}

describeStrategy('a strategy that reads metadata', cheapestFirst, { describe, test, metadata: (at) => ({ price: at % 3 }) })
describeStrategy('a strategy that sees load', cheapestFirst, { describe, test, seesLoad: true })

test('without a runner of its own takes that of node:test', () => {
  const program = `
    import { describeStrategy } from '@gatelet/testing'
    let endpoints = []
    describeStrategy('first', () => ({
      update(snapshot) { endpoints = snapshot },
      pick({ accepts }) { for (const endpoint of endpoints) if (accepts(endpoint)) return endpoint },
    }))
  `
  const conditions = process.env['GATELET_DIST'] === '1' ? [] : ['--conditions=@gatelet/source']
  const args = [...conditions, '--import', 'tsx', '--input-type=module', '--eval', program]
  // What vitest says to its children is not for this one.
  const { VITEST, NODE_TEST_CONTEXT, ...env } = process.env
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: import.meta.dirname, env, encoding: 'utf8' })
  expect(stdout).toMatch(/# pass 15\n|pass 15\n/)
  expect(status).toBe(0)
}, 30_000)

describe('options', () => {
  test.each<[string, unknown, RegExp]>([
    ['seesLoad', 'yes', /seesLoad must be true or false/],
    ['hashes', 1, /hashes must be true or false/],
    ['mayAllocate', 0, /mayAllocate must be true or false/],
    ['metadata', {}, /metadata must be a function of the index/],
    ['describe', 'x', /describe must be a function/],
    ['test', {}, /test must be a function/],
    ['hash', true, /hash is not an option; did you mean hashes/],
  ])('%s that is not right stops the start', (option, value, message) => {
    expect(() => describeStrategy('x', rendezvous, { describe, test, [option]: value })).toThrow(message)
  })

  test('a name and a factory must be there', () => {
    expect(() => describeStrategy('', rendezvous)).toThrow(/name must be a string/)
    expect(() => describeStrategy('x', {} as never)).toThrow(/factory must be a strategy factory/)
  })

  test('under a vitest without globals says what to give', () => {
    expect(() => describeStrategy('x', rendezvous)).toThrow(/test must be vitest's own, and describe too/)
  })
})
