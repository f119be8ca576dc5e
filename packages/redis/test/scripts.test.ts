import { memoryRateStore, type RateRequest, type RateRule, type RateVerdict } from '@gatelet/rate-limiter'
import { redisRateStore } from '@gatelet/redis'
import { requireProgram, startRedis, virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { createClient } from 'redis'
import { describe, expect, test } from 'vitest'
import { connected } from './clients.ts'
import { atTestTime, EPOCH_MS, setTime } from './test-time.ts'

/** The scripts in a Redis of their own, at a time that the test sets. */
async function scriptsAtTestTime() {
  const redis = await startRedis()
  const { client } = await connected(createClient({ url: redis.url }))
  const store = redisRateStore(atTestTime(client), { leaseMs: MAX_DELAY_MS, maxDenied: 0, timeoutMs: 10_000 })
  return {
    take: async (requests: readonly RateRequest[]) => store.take(requests),
    give: (requests: readonly RateRequest[]) => store.give(requests),
    setTime: (now: number) => setTime(client, now),
    forgetAll: () => client.flushDb(),
    keys: () => client.keys('gatelet:*'),
    async [Symbol.asyncDispose]() {
      client.destroy()
      await redis.close()
    },
  }
}

// Longer than any of the waits below.
const MAX_DELAY_MS = 2_147_483_647

const limit = fc.integer({ min: 1, max: 20 })
const windowMs = fc.constantFrom(1_000, 7_000, 60_000)
const name = fc.constantFrom('a', 'b')

const rule: fc.Arbitrary<RateRule> = fc.oneof(
  fc.record({ algorithm: fc.constant('gcra' as const), name, limit, windowMs, burst: limit }),
  fc.record({ algorithm: fc.constant('fixed' as const), name, limit, windowMs }),
  // One length for each name: what another length makes of a count that goes on is not laid down.
  fc.record({ algorithm: fc.constant('sliding' as const), name: fc.constant('a'), limit, windowMs: fc.constant(7_000) }),
  fc.record({ algorithm: fc.constant('sliding' as const), name: fc.constant('b'), limit, windowMs: fc.constant(60_000) }),
  fc.record({ algorithm: fc.constant('calendar' as const), name, limit, unit: fc.constantFrom('day', 'week', 'month') }),
  fc.record({ algorithm: fc.constant('concurrency' as const), name, limit }),
)

const cost = fc.oneof(fc.constant(1), fc.integer({ min: 0, max: 25 }), fc.double({ min: 0, max: 5, noNaN: true }))
// Few counts, so that what is done to them meets.
const counts = fc.uniqueArray(fc.record({ rule, key: fc.constantFrom('ada', 'bob') }), {
  minLength: 1,
  maxLength: 3,
  selector: ({ rule, key }) => `${rule.algorithm} ${rule.name} ${key}`,
})
const asks = fc.record({
  do: fc.constant('take' as const),
  of: fc.subarray([0, 1, 2], { minLength: 1 }),
  costs: fc.tuple(cost, cost, cost),
  lease: fc.constantFrom('x', 'y', 'z'),
})

const step = fc.oneof(
  { weight: 3, arbitrary: asks },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('give' as const), ago: fc.nat(3), part: fc.constantFrom(1, 0.5, -1, -0.5, 3) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(
        { weight: 4, arbitrary: fc.nat(2_000) },
        fc.constantFrom(7_000, 60_000),
        fc.nat(100_000),
        fc.nat(3 * 86_400_000),
      ),
    }),
  },
)

describe.skipIf(!requireProgram('redis-server'))('the scripts', () => {
  test('decide as the store in memory does, whatever is asked', async () => {
    await using scripts = await scriptsAtTestTime()
    await fc.assert(
      fc.asyncProperty(counts, fc.array(step, { minLength: 5, maxLength: 40 }), async (counts, steps) => {
        await scripts.forgetAll()
        const clock = virtualClock({ date: EPOCH_MS })
        const memory = memoryRateStore({ clock })
        const taken: { requests: readonly RateRequest[]; there: readonly RateVerdict[]; here: readonly RateVerdict[] }[] = []
        for (const each of steps) {
          if (each.do === 'wait') await clock.advance(each.ms)
          await scripts.setTime(clock.now())
          if (each.do === 'take') {
            const requests = each.of.flatMap((at) => {
              const count = counts[at]
              return count ? [{ ...count, cost: each.costs[at] ?? 1, lease: each.lease }] : []
            })
            const [there, here] = [await scripts.take(requests), memory.take(requests)]
            expect(there.map(rounded)).toEqual(here.map(rounded))
            if (here.every(({ allowed }) => allowed)) taken.unshift({ requests, there, here })
          }
          if (each.do === 'give') {
            const { requests = [], there = [], here = [] } = taken[each.ago] ?? {}
            const given = (verdicts: readonly RateVerdict[]) =>
              requests.map((request, at) => ({ ...request, cost: request.cost * each.part, stamp: verdicts[at]?.stamp }))
            if (requests.length > 0) await scripts.give(given(there))
            memory.give(given(here))
          }
        }
      }),
      { seed: 7, numRuns: 400 },
    )
  }, 60_000)

  test('know when each day, week and month of four centuries ends', async () => {
    await using scripts = await scriptsAtTestTime()
    const unit = fc.constantFrom('day' as const, 'week' as const, 'month' as const)
    await fc.assert(
      fc.asyncProperty(unit, fc.integer({ min: Date.UTC(2023, 11), max: Date.UTC(2424, 0) }), async (unit, date) => {
        const clock = virtualClock({ date })
        await scripts.forgetAll()
        await scripts.setTime(date - EPOCH_MS)
        const requests = [{ rule: { algorithm: 'calendar', name: unit, limit: 1, unit }, key: 'ada', cost: 1 }] as const
        const [there] = await scripts.take(requests)
        expect(there?.resetMs).toBe(memoryRateStore({ clock }).take(requests)[0]?.resetMs)
      }),
      { seed: 7, numRuns: 500, examples: leapDays.map((date) => ['month', date]) },
    )
  }, 30_000)

  test('lose nothing of a rate of a billion in a minute', async () => {
    await using scripts = await scriptsAtTestTime()
    const rule: RateRule = { algorithm: 'gcra', name: 'bytes', limit: 1e9, windowMs: 60_000, burst: 1e9 }
    for (let at = 0; at < 300; at++) {
      await scripts.setTime(95_000_000_000)
      await scripts.take([{ rule, key: 'ada', cost: 1_000.1 }])
    }
    const [verdict] = await scripts.take([{ rule, key: 'ada', cost: 0 }])
    expect(verdict?.remaining).toBe(1e9 - 300_030)
  })

  test('go on where they were when the clock of the server is set back', async () => {
    await using scripts = await scriptsAtTestTime()
    const gcra: RateRule = { algorithm: 'gcra', name: 'a', limit: 60, windowMs: 60_000, burst: 2 }
    const sliding: RateRule = { algorithm: 'sliding', name: 'a', limit: 2, windowMs: 60_000 }
    const left = async (rule: RateRule) =>
      (await scripts.take([{ rule, key: 'ada', cost: 1 }])).map((v) => [v.allowed, v.remaining])
    await scripts.setTime(7_200_000)
    for (const rule of [gcra, sliding]) expect([await left(rule), await left(rule)]).toEqual([[[true, 1]], [[true, 0]]])
    await scripts.setTime(3_600_000)
    for (const rule of [gcra, sliding]) expect(await left(rule)).toEqual([[false, 0]])
    // A refusal has told the count what time it is: it refills from there.
    await scripts.setTime(3_601_000)
    expect(await left(gcra)).toEqual([[true, 0]])
  })

  test('leave nothing of a count that is full again', async () => {
    await using scripts = await scriptsAtTestTime()
    await scripts.setTime(1_000)
    const rules: RateRule[] = [
      { algorithm: 'gcra', name: 'a', limit: 1, windowMs: 60_000, burst: 2 },
      { algorithm: 'fixed', name: 'a', limit: 2, windowMs: 60_000 },
      { algorithm: 'sliding', name: 'a', limit: 2, windowMs: 60_000 },
      { algorithm: 'calendar', name: 'a', limit: 2, unit: 'day' },
      { algorithm: 'concurrency', name: 'a', limit: 2 },
    ]
    const requests = rules.map((rule) => ({ rule, key: 'ada', cost: 1, lease: 'x' }))
    const verdicts = await scripts.take(requests)
    expect(await scripts.keys()).toHaveLength(5)
    await scripts.give(requests.map((request, at) => ({ ...request, stamp: verdicts[at]?.stamp })))
    expect(await scripts.keys()).toEqual([])
  })
})

const leapDays = [2024, 2028, 2096, 2100, 2104, 2200, 2300, 2400].flatMap((year) => [
  Date.UTC(year, 1, 28, 23),
  Date.UTC(year, 1, 28, 25),
  Date.UTC(year, 2, 1),
])

// A thousandth of a millisecond is what Redis's clock tells; stamps are each store's own.
const rounded = ({ stamp: _, ...verdict }: RateVerdict) => ({
  ...verdict,
  resetMs: Math.round(verdict.resetMs * 100) / 100,
  retryAfterMs: Math.round(verdict.retryAfterMs * 100) / 100,
})
