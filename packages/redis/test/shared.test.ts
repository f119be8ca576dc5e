import { fileURLToPath } from 'node:url'
import { chain, text } from '@gatelet/core'
import { type RateRule, rateLimit } from '@gatelet/rate-limiter'
import { redisRateStore } from '@gatelet/redis'
import { call, type RunningRedis, requireProgram, startRedis } from '@gatelet/testing'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { childProgram } from '../../../test/child-program.ts'
import { nodeArgs } from '../../../test/example-program.ts'
import { connected, readied } from './clients.ts'
import { isTaken, ofBurst, one, rules } from './rules.ts'

const found = requireProgram('redis-server')

describe.skipIf(!found)('counts in Redis', () => {
  test('of two processes that hammer one key are exactly the limit, together', async () => {
    await using redis = await startRedis()
    const start = () =>
      childProgram([...nodeArgs, fileURLToPath(new URL('./hammering.ts', import.meta.url)), redis.url, '700'], {
        cwd: fileURLToPath(new URL('.', import.meta.url)),
      })
    await using a = start()
    await using b = start()
    await Promise.all([a.printed(/ready/), b.printed(/ready/)])
    await redis.command('RPUSH', 'go', 'a', 'b')
    const [, byA] = await a.printed(/took (\d+)/)
    const [, byB] = await b.printed(/took (\d+)/)
    expect(Number(byA) + Number(byB)).toBe(700)
    expect(Math.min(Number(byA), Number(byB))).toBeGreaterThan(0)
    await using opened = await connected(createClient({ url: redis.url }))
    const more = await redisRateStore(opened.client).take([{ ...one(ofBurst(1_400, 'more')), cost: 0 }])
    expect(more.map(({ remaining }) => remaining)).toEqual([700])
  }, 60_000)

  test('are kept that take longer to refill than Redis can count down: large bursts, and debts', async () => {
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = redisRateStore(opened.client, { timeoutMs: 5_000, maxDenied: 0 })
    const rule: RateRule = { algorithm: 'gcra', name: 'a', limit: 1, windowMs: 366 * 86_400_000, burst: 1_000_000_000 }
    const request = { rule, key: 'ada', cost: 1_000_000_000 }
    expect(await store.take([request])).toMatchObject([{ allowed: true, remaining: 0 }])
    await store.give([{ ...request, cost: -1e15 }])
    const [verdict] = await store.take([{ ...request, cost: 1 }])
    expect(verdict?.allowed).toBe(false)
    expect((verdict?.retryAfterMs ?? 0) / rule.windowMs / 1e15).toBeCloseTo(1, 6)
  })

  test('cost one command a decision, whatever its rules', async () => {
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = redisRateStore(opened.client, { timeoutMs: 5_000 })
    const requests = Object.values(rules).map((rule) => one(rule, 'ada', 'x'))
    // Redis has seen the scripts once.
    await store.take(requests)
    await store.give([one(rules.gcra, 'bob')])
    await using observer = await readied(new Redis(redis.url))
    const monitor = await observer.client.monitor()
    onTestFinished(() => monitor.disconnect())
    const seen: string[] = []
    monitor.on('monitor', (_, [command = '']: string[], source: string) => {
      if (source !== 'lua') seen.push(command.toUpperCase())
    })
    for (let asked = 0; asked < 5; asked++)
      expect(isTaken(await store.take(requests.map((each) => ({ ...each, lease: `${asked}` }))))).toBe(asked < 4)
    await store.give(requests)
    await opened.client.ping()
    await expect.poll(() => seen, { timeout: 5_000 }).toContain('PING')
    expect(seen).toEqual([...Array(6).fill('EVALSHA'), 'PING'])
  })

  test('of a key that is over its limit cost nothing more until it may come again, unless it gets something back', async () => {
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = redisRateStore(opened.client, { timeoutMs: 5_000, maxDenied: 2 })
    const send = vi.spyOn(opened.client, 'sendCommand')
    const sent = async (key: string, rule = ofBurst(1), cost = 1) => {
      send.mockClear()
      const verdicts = await store.take([{ ...one(rule, key), cost }, one(ofBurst(100, 'other'), 'all')])
      return [isTaken(verdicts), send.mock.calls.length, verdicts[1]?.remaining]
    }
    const script = 2
    expect(await sent('ada')).toEqual([true, script, 99])
    expect(await sent('ada')).toEqual([false, 1, 99])
    expect([await sent('ada'), await sent('ada')]).toEqual(Array(2).fill([false, 0, 99]))
    // Another cost, other numbers: only Redis knows.
    expect(await sent('ada', ofBurst(1), 0)).toEqual([true, 1, 98])
    expect(await sent('ada', ofBurst(2))).toEqual([true, 1, 97])
    const [verdict] = await store.take([one(ofBurst(1), 'ada')])
    expect(verdict?.retryAfterMs).toBeGreaterThan(3_599_000)
    await store.give([one(ofBurst(1), 'ada')])
    expect(await sent('ada')).toEqual([false, 1, 97])
    // Two are remembered: the third has the first forgotten.
    for (const key of ['bob', 'eve']) expect([await sent(key), await sent(key)].map(([taken]) => taken)).toEqual([true, false])
    expect([await sent('bob'), await sent('eve'), await sent('ada')].map(([, count]) => count)).toEqual([0, 0, 1])
  })

  test('expire by themselves when they are full again', async () => {
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = redisRateStore(opened.client, { timeoutMs: 5_000 })
    const windowMs = 60_000
    await store.take([
      { ...one({ algorithm: 'gcra', name: 'g', limit: 60, windowMs, burst: 10 }), cost: 3 },
      one({ algorithm: 'fixed', name: 'f', limit: 5, windowMs }),
      one({ algorithm: 'sliding', name: 's', limit: 5, windowMs }),
      one({ algorithm: 'calendar', name: 'c', limit: 5, unit: 'day' }),
      one({ algorithm: 'concurrency', name: 'n', limit: 5 }, 'ada', 'x'),
    ])
    const left = async (name: string) => Number(await redis.command('PTTL', `gatelet:rate:{ada}${name}`))
    const between = async (name: string, min: number, max: number) => {
      const ms = await left(name)
      expect(ms).toBeGreaterThan(min)
      expect(ms).toBeLessThanOrEqual(max)
    }
    await between('g:g', 0, 3_000)
    await between('f:f', 50_000, 60_000)
    await between('s:s', 50_000, 120_000)
    await between('c:c', 0, 86_400_000)
    await between('n:n', 50_000, 60_000)
  })

  describe.each([
    ['is away', (redis: RunningRedis) => redis.close()],
    ['hangs', async (redis: RunningRedis) => redis.signal('SIGSTOP')],
  ])('while Redis %s', (_, fail) => {
    test.each([
      ['open', [200, 200, 200]],
      ['closed', [503, 503, 503]],
      ['local', [200, 200, 429]],
    ] as const)('give way to the policy %s, in time', async (onStoreError, statuses) => {
      vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
      await using redis = await startRedis()
      await using opened = await connected(createClient({ url: redis.url }))
      const store = redisRateStore(opened.client, { timeoutMs: 100, breaker: { failures: 1 } })
      const handler = chain()
        .use(rateLimit({ limit: 2, per: '1h', store, onStoreError }))
        .to(() => text('hello'))
      await fail(redis)
      const askedAt = performance.now()
      const seen: number[] = []
      while (seen.length < 3) seen.push((await call(handler)).status)
      expect(seen).toEqual(statuses)
      expect(performance.now() - askedAt).toBeLessThan(1_000)
    })
  })
})
