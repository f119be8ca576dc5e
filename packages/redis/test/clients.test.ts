import { type RedisClient, redisRateStore } from '@gatelet/redis'
import { type RunningRedisCluster, requireProgram, startRedis, startRedisCluster } from '@gatelet/testing'
import { Redis } from 'ioredis'
import { createClient, RESP_TYPES } from 'redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { clients, clusterClients, connected } from './clients.ts'
import { oneRedis } from './one-redis.ts'
import { isTaken, ofBurst, one, rules } from './rules.ts'

const found = requireProgram('redis-server')

describe.skipIf(!found)('one server', () => {
  const redis = oneRedis()

  describe.each(clients)('%s', (name, open) => {
    test('takes by rules of all kinds, all or nothing, and gives back', async () => {
      await using opened = await open(redis().url)
      const store = redisRateStore(opened.client, { prefix: `${name}:` })
      const all = (lease: string) => Object.values(rules).map((rule) => one(rule, 'ada', lease))
      const first = await store.take(all('a'))
      expect(first.map(({ allowed, remaining }) => [allowed, remaining])).toEqual(Array(5).fill([true, 4]))
      for (const lease of ['b', 'c', 'd']) expect(isTaken(await store.take(all(lease)))).toBe(true)
      await store.take([one(rules.fixed)])
      const refused = await store.take(all('e'))
      expect(refused.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
        [true, 1],
        [false, 0],
        [true, 1],
        [true, 1],
        [true, 1],
      ])
      await store.give(all('a').map((request, at) => ({ ...request, stamp: first[at]?.stamp })))
      const again = await store.take(all('e'))
      expect(again.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
        [true, 1],
        [true, 0],
        [true, 1],
        [true, 1],
        [true, 1],
      ])
    })

    test('goes on after the scripts were flushed', async () => {
      await using opened = await open(redis().url)
      const store = redisRateStore(opened.client, { prefix: `${name} flushed:` })
      const before = await store.take([one(ofBurst(3))])
      await redis().command('SCRIPT', 'FLUSH')
      const after = await store.take([one(ofBurst(3))])
      await redis().command('SCRIPT', 'FLUSH')
      await store.give([{ ...one(ofBurst(3)), stamp: after[0]?.stamp }])
      expect([before, after, await store.take([one(ofBurst(3))])].map(([verdict]) => verdict?.remaining)).toEqual([2, 1, 1])
    })

    test('tells keys apart that differ in anything', async () => {
      await using opened = await open(redis().url)
      const store = redisRateStore(opened.client, { prefix: `${name} keys:` })
      const keys = ['', '%', '{}', '}', 'a b', 'a  b', 'é', 'e\u0301', '\ud800', '\udc00', '\u0000', '%00e9', 'x'.repeat(256)]
      for (const key of keys) expect((await store.take([one(ofBurst(2), key)])).map(({ remaining }) => remaining)).toEqual([1])
      for (const key of keys) expect((await store.take([one(ofBurst(2), key)])).map(({ remaining }) => remaining)).toEqual([0])
    })
  })
})

describe.skipIf(!found)('a client that is set up in its own way', () => {
  test('connects with the first decision, and has a prefix of its own (ioredis)', async () => {
    await using redis = await startRedis()
    const client = new Redis(redis.url, { lazyConnect: true, keyPrefix: 'app:' })
    onTestFinished(() => client.disconnect())
    const store = redisRateStore(client, { timeoutMs: 5_000 })
    expect(isTaken(await store.take([one(rules.gcra)]))).toBe(true)
    expect(await redis.command('KEYS', '*')).toEqual(['app:gatelet:rate:{ada}g:gcra'])
  })

  test('answers with bytes (node-redis)', async () => {
    await using redis = await startRedis()
    const commandOptions = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } }
    await using opened = await connected(createClient({ url: redis.url, commandOptions }))
    const store = redisRateStore(opened.client, { timeoutMs: 5_000 })
    expect((await store.take([one(rules.gcra)])).map(({ remaining }) => remaining)).toEqual([4])
  })

  test('is asked nothing where nothing is to be decided', async () => {
    const client = { isReady: true, sendCommand: vi.fn(), on: () => {}, listenerCount: () => 1 }
    const store = redisRateStore(client, { lease: { size: 2 } })
    expect([await store.take([]), await store.give([])]).toEqual([[], undefined])
    expect(client.sendCommand).not.toHaveBeenCalled()
  })

  test.each([undefined, 'redis://127.0.0.1', {}, { on() {} }, { sendCommand() {} }])('%s is no client', (client) => {
    expect(() => redisRateStore(client as never)).toThrow(/client must be a client of node-redis, ioredis or iovalkey/)
  })
})

describe.skipIf(!found)('a cluster', () => {
  let cluster: RunningRedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 30_000)
  afterAll(() => cluster.close())

  const keys = Array.from({ length: 20 }, (_, at) => `client ${at}`)
  const urls = () => cluster.nodes.map(({ url }) => url)
  const keysOn = async (prefix: string) =>
    Promise.all(cluster.nodes.map(async (node) => ((await node.command('KEYS', `${prefix}*`)) as string[]).length))

  describe.each(clusterClients)('%s', (name, open) => {
    const store = (client: RedisClient, options = {}) =>
      redisRateStore(client, { prefix: `${name}:`, timeoutMs: 2_000, ...options })

    test('decides about several rules of a key on the node that has it, each key on its own', async () => {
      await using opened = await open(urls())
      const counts = store(opened.client)
      for (const key of keys)
        expect(isTaken(await counts.take([one(ofBurst(2, 'a'), key), one(ofBurst(1, 'b'), key)]))).toBe(true)
      for (const key of keys) {
        const verdicts = await counts.take([one(ofBurst(2, 'a'), key), one(ofBurst(1, 'b'), key)])
        expect(verdicts.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
          [true, 1],
          [false, 0],
        ])
      }
      expect(Math.min(...(await keysOn(`${name}:`)))).toBeGreaterThan(0)
    })

    test('decides about several keys, and gives back what one node has taken when another refuses', async () => {
      await using opened = await open(urls())
      const counts = store(opened.client, { prefix: `${name} parts:`, maxDenied: 0 })
      expect(isTaken(await counts.take([one(ofBurst(1, 'principal'), 'ada')]))).toBe(true)
      for (const key of keys) {
        const verdicts = await counts.take([one(ofBurst(1, 'address'), key), one(ofBurst(1, 'principal'), 'ada')])
        expect(verdicts.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
          [true, 1],
          [false, 0],
        ])
        expect(isTaken(await counts.take([one(ofBurst(1, 'address'), key), one(ofBurst(20, 'others'), 'all')]))).toBe(true)
      }
      expect(isTaken(await counts.take([one(ofBurst(20, 'others'), 'all')]))).toBe(false)
    })

    test('keeps all counts on one node with a tag', async () => {
      await using opened = await open(urls())
      const counts = store(opened.client, { prefix: `${name} tag:`, tag: 'api' })
      for (const key of keys)
        expect(isTaken(await counts.take([one(ofBurst(1, 'a'), key), one(ofBurst(20, 'b'), 'all')]))).toBe(true)
      expect((await keysOn(`${name} tag:`)).sort((a, b) => a - b)).toEqual([0, 0, 21])
    })
  })
})
