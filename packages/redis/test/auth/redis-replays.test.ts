import { memoryReplays } from '@gatelet/auth'
import { redisReplays } from '@gatelet/redis'
import { type RunningRedisCluster, requireProgram, startRedis, startRedisCluster, virtualClock } from '@gatelet/testing'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { clients, clusterClients, connected } from '../clients.ts'
import { oneRedis } from '../one-redis.ts'

const found = requireProgram('redis-server')
// The machine that tests may be busy.
const patient = { timeoutMs: 10_000 }
const inAMinute = () => Date.now() + 60_000

describe.skipIf(!found)('what may be used once', () => {
  const redis = oneRedis()

  describe.each(clients)('with a client of %s', (name, open) => {
    test('is used once, whoever asks, also at the same time', async () => {
      await using a = await open(redis().url)
      await using b = await open(redis().url)
      const stores = [redisReplays(a.client, patient), redisReplays(b.client, patient)] as const
      const all = Array.from({ length: 20 }, (_, at) =>
        stores[at % 2 === 0 ? 0 : 1].use(`${name} nonce`, Date.now(), inAMinute()),
      )
      expect((await Promise.all(all)).filter((isFirst) => isFirst)).toHaveLength(1)
      expect(await stores[1].use(`${name} nonce`, Date.now(), inAMinute())).toBe(false)
      expect(await stores[1].use(`${name} other`, Date.now(), inAMinute())).toBe(true)
    })

    test('takes one round trip', async () => {
      await using opened = await open(redis().url)
      const store = redisReplays(opened.client, { ...patient, prefix: `trips:${name}:` })
      await store.use('warm', 0, inAMinute())
      const before = await commands(redis())
      for (let at = 0; at < 10; at++) await store.use(String(at), 0, inAMinute())
      expect((await commands(redis())) - before).toBe(10)
    })
  })

  test('is forgotten when it is too old to be taken, and a little later, since clocks differ', async () => {
    await using opened = await connected(createClient({ url: redis().url }))
    const clock = virtualClock({ date: 1_000_000 })
    const store = redisReplays(opened.client, { ...patient, clock, prefix: 'ends:' })
    await store.use('soon', 1_000_000, 1_060_000)
    await store.use('over', 0, 900_000)
    const left = async (id: string) => Number(await redis().command('PTTL', `ends:${id}`))
    expect(await left('soon')).toBeGreaterThan(65_000)
    expect(await left('soon')).toBeLessThanOrEqual(70_000)
    expect(await left('over')).toBeGreaterThan(0)
    expect(await left('over')).toBeLessThanOrEqual(10_000)
  })

  test('says the same as the memory of one process', async () => {
    await using opened = await connected(createClient({ url: redis().url, RESP: 3 }))
    const stores = [redisReplays(opened.client, { ...patient, prefix: 'same:' }), memoryReplays()]
    for (const id of ['a', 'b', 'a', '', 'ü \r\n{x}', '', 'b', 'ü \r\n{x}']) {
      const [one, two] = await Promise.all(stores.map((store) => store.use(id, Date.now(), inAMinute())))
      expect([id, one]).toEqual([id, two])
    }
  })
})

describe.skipIf(!found)('what may be used once in a cluster', () => {
  let cluster: RunningRedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 60_000)
  afterAll(() => cluster.close())

  test.each(clusterClients)('is used once, with a client of %s', async (name, open) => {
    await using opened = await open(cluster.nodes.map(({ url }) => url))
    const store = redisReplays(opened.client, patient)
    const ids = Array.from({ length: 20 }, (_, at) => `${name} ${at}`)
    const use = () => Promise.all(ids.map((id) => store.use(id, Date.now(), inAMinute())))
    expect(await use()).toEqual(ids.map(() => true))
    expect(await use()).toEqual(ids.map(() => false))
  })
})

describe.skipIf(!found)('a Redis', () => {
  test.each(clients)('that hangs is no reason to take something twice, and is left alone: %s', async (_, open) => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    await using redis = await startRedis()
    await using opened = await open(redis.url)
    const store = redisReplays(opened.client, { timeoutMs: 200, breaker: { failures: 2, openMs: 100 } })
    const use = (id: string) => store.use(id, Date.now(), inAMinute())
    expect(await use('a')).toBe(true)
    redis.signal('SIGSTOP')
    await expect(use('b')).rejects.toMatchObject({ code: 'STORE_TIMEOUT' })
    await expect(use('b')).rejects.toMatchObject({ code: 'STORE_TIMEOUT' })
    await expect(use('b')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(store.isAvailable).toBe(false)
    redis.signal('SIGCONT')
    await expect.poll(() => use('a').catch(() => true), { timeout: 10_000, interval: 20 }).toBe(false)
    expect(store.isAvailable).toBe(true)
  })

  test('that is full refuses, and forgets nothing', async () => {
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = redisReplays(opened.client, patient)
    expect(await store.use('a', 0, inAMinute())).toBe(true)
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    await expect(store.use('b', 0, inAMinute())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    expect(await store.use('a', 0, inAMinute())).toBe(false)
  })
})

/** How many times something was set; NaN where that took another command as well. */
async function commands(redis: { command(...args: string[]): Promise<unknown> }): Promise<number> {
  const told = String(await redis.command('INFO', 'commandstats'))
  if (/cmdstat_(?:get|eval|evalsha|exists|pexpire)[:|]/.test(told)) return Number.NaN
  return Number(/cmdstat_set:calls=(\d+)/.exec(told)?.[1] ?? 0)
}
