import { memoryCacheStore, type PurgeSelector, type StoredMeta, tiered } from '@gatelet/cache'
import { bytesOf } from '@gatelet/core'
import { type RedisCacheStore, redisCacheStore, redisPurgeChannel } from '@gatelet/redis'
import { describeCacheStore, type RunningRedisCluster, requireProgram, startRedisCluster } from '@gatelet/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusterClients, type OpenClient, readied } from '../clients.ts'

const keys = Array.from({ length: 30 }, (_, at) => `http://a.example/${at % 2 ? 'odd' : 'even'}/${at}`)

const metaOf = (url: string): StoredMeta => ({
  url,
  status: 200,
  headers: ['cache-control', 'max-age=600'],
  requestHeaders: {},
  tags: [url.includes('odd') ? 'odd' : 'even', 'all'],
  requestTimeMs: Date.now(),
  responseTimeMs: Date.now(),
})

async function put(store: Pick<RedisCacheStore, 'open'>, key: string, size = 70_000): Promise<boolean> {
  const writer = store.open(key, '', metaOf(key))
  writer?.write(Buffer.alloc(size, key.slice(-1)))
  return (await writer?.commit()) ?? false
}

const found = async (store: RedisCacheStore) => {
  const left: string[] = []
  for (const key of keys) if ((await store.get(key)).length > 0) left.push(key)
  return left
}

describe.skipIf(!requireProgram('redis-server'))('replies in a cluster', () => {
  let cluster: RunningRedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 180_000)
  afterAll(() => cluster?.close())
  const urls = () => cluster.nodes.map(({ url }) => url)

  describe.each(clusterClients)('with a client of %s', (name, open) => {
    let opened: OpenClient | undefined
    afterAll(() => opened?.[Symbol.asyncDispose]())
    let stores = 0
    const storeOf = async () => {
      opened ??= await open(urls())
      const options = { prefix: `${name}-${stores++}:`, timeoutMs: 10_000, writeTimeoutMs: 10_000 }
      return redisCacheStore(opened.client, { ...options, maxEntryBytes: 300_000, maxVariants: 4 })
    }
    describeCacheStore('redisCacheStore', async () => ({ store: await storeOf(), maxEntryBytes: 300_000, maxVariants: 4 }), {
      describe,
      test,
    })

    test.each<[string, PurgeSelector, number]>([
      ['tag', { tag: 'odd' }, 15],
      ['prefix', { prefix: 'http://a.example/odd/' }, 15],
      ['key', { key: 'http://a.example/odd/1' }, 1],
      ['all', { all: true }, 30],
    ])(
      'are on all nodes, read whole, and purged there by %s',
      async (_, selector, gone) => {
        const store = await storeOf()
        for (const key of keys) expect(await put(store, key)).toBe(true)
        for (const node of cluster.nodes) expect(Number(await node.command('DBSIZE'))).toBeGreaterThan(0)
        const [entry] = await store.get('http://a.example/even/2')
        expect(Buffer.from(await bytesOf(entry?.body() ?? null, 1e6)).equals(Buffer.alloc(70_000, '2'))).toBe(true)
        expect(await store.purge(selector)).toBe(gone)
        expect((await found(store)).length).toBe(30 - gone)
      },
      60_000,
    )
  })

  test('are purged in what other processes have near, whichever node each of them listens at', async () => {
    const [, open] = clusterClients[0] as (typeof clusterClients)[0]
    await using a = await open(urls())
    await using b = await open(urls())
    await using subscriberOfA = await readied(new Redis(urls()[0] as string))
    await using subscriberOfB = await readied(new Redis(urls()[2] as string))
    const channels = [
      redisPurgeChannel(a.client, subscriberOfA.client),
      redisPurgeChannel(b.client, subscriberOfB.client),
    ] as const
    const [ofA, ofB] = [a, b].map(({ client }, at) => {
      const far = redisCacheStore(client, { timeoutMs: 10_000, writeTimeoutMs: 10_000 })
      return tiered(memoryCacheStore({ maxBytes: 1_000_000 }), far, { channel: channels[at as 0] })
    }) as [ReturnType<typeof tiered>, ReturnType<typeof tiered>]
    await expect.poll(() => channels.every(({ isLive }) => isLive), { timeout: 10_000 }).toBe(true)
    expect(await put(ofA as RedisCacheStore, 'a', 100)).toBe(true)
    const [entry] = await ofB.get('a')
    await bytesOf(entry?.body() ?? null, 1e6)
    await expect.poll(() => ofB.get('a'), { timeout: 10_000 }).not.toBeInstanceOf(Promise)
    expect(await ofA.purge({ tag: 'even' })).toBe(1)
    await expect.poll(async () => (await ofB.get('a')).length, { timeout: 10_000 }).toBe(0)
    for (const channel of channels) await channel.close()
  }, 180_000)
})
