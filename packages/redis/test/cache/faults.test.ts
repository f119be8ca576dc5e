import type { StoredMeta } from '@gatelet/cache'
import { bytesOf } from '@gatelet/core'
import { type RedisCacheStore, type RedisClient, redisCacheStore } from '@gatelet/redis'
import { requireProgram, startRedis } from '@gatelet/testing'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, test, vi } from 'vitest'
import { connected, readied } from '../clients.ts'

// Longer than the default: the machine that tests may be busy.
const TIMEOUT_MS = 500

const storeOver = (client: RedisClient, options = {}) =>
  redisCacheStore(client, { timeoutMs: TIMEOUT_MS, breaker: { failures: 3, openMs: 50 }, ...options })

const metaOf = (more: Partial<StoredMeta> = {}): StoredMeta => ({
  url: 'http://a.example/',
  status: 200,
  headers: ['cache-control', 'max-age=600'],
  requestHeaders: {},
  tags: [],
  requestTimeMs: Date.now(),
  responseTimeMs: Date.now(),
  ...more,
})

async function put(store: RedisCacheStore, key: string, body: string, more: Partial<StoredMeta> = {}): Promise<boolean> {
  const writer = store.open(key, '', metaOf(more))
  writer?.write(Buffer.from(body))
  return (await writer?.commit()) ?? false
}

const bodyOf = async (store: RedisCacheStore, key: string) => {
  const [entry] = await store.get(key)
  return entry && Buffer.from(await bytesOf(entry.body(), 1e8)).toString()
}

const heardWarnings = () => vi.spyOn(process, 'emitWarning').mockImplementation(() => {})

describe.skipIf(!requireProgram('redis-server'))('replies in a Redis', () => {
  test('that hangs are not there within the deadline, are not asked for then, and are there again when it goes on', async () => {
    heardWarnings()
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = storeOver(opened.client)
    expect(await put(store, 'a', 'x')).toBe(true)
    redis.signal('SIGSTOP')
    const from = performance.now()
    for (let times = 0; times < 3; times++) expect(await store.get('a')).toEqual([])
    expect(performance.now() - from).toBeLessThan(10 * 3 * TIMEOUT_MS)
    expect(store.isAvailable).toBe(false)
    expect(store.open('b', '', metaOf())).toBeUndefined()
    await expect(store.purge({ key: 'other' })).rejects.toMatchObject({ code: expect.stringMatching(/^STORE_/) })
    redis.signal('SIGCONT')
    await expect.poll(() => bodyOf(store, 'a'), { timeout: 10_000 }).toBe('x')
  })

  test('that is killed in the middle of a body break off, and store nothing of what was on its way', async () => {
    heardWarnings()
    await using redis = await startRedis()
    await using opened = await readied(new Redis(redis.url, { maxRetriesPerRequest: 0 }))
    const store = storeOver(opened.client)
    await put(store, 'a', 'x'.repeat(300_000))
    const [entry] = await store.get('a')
    const writer = store.open('b', '', metaOf())
    writer?.write(Buffer.alloc(100_000))
    await redis.close()
    await expect(bytesOf(entry?.body() ?? null, 1e8)).rejects.toMatchObject({ code: expect.stringMatching(/^STORE_/) })
    expect(await writer?.commit()).toBe(false)
    await redis.start()
    await expect.poll(() => put(store, 'c', 'new'), { timeout: 10_000 }).toBe(true)
    expect([await store.get('a'), await store.get('b')]).toEqual([[], []])
  })

  test('that loses a part of a body break off: nothing else is taken for it', async () => {
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = storeOver(opened.client)
    for (const spoil of [['DEL'], ['SET', 'short'], ['LPUSH', 'a list']]) {
      await put(store, 'a', 'x'.repeat(200_000))
      const [entry] = await store.get('a')
      await redis.command('FLUSHALL', 'SYNC').then(() => put(store, 'a', 'x'.repeat(200_000)))
      const [again] = await store.get('a')
      const chunks = (await redis.command('KEYS', `*${again?.id}:1`)) as string[]
      expect(chunks.length).toBe(1)
      await redis.command('DEL', chunks[0] as string)
      if (spoil[1]) await redis.command(spoil[0] as string, chunks[0] as string, spoil[1])
      for (const one of [entry, again]) await expect(bytesOf(one?.body() ?? null, 1e8)).rejects.toThrow(/not there any more/)
    }
    expect(store.isAvailable).toBe(true)
  })

  test('of which Redis has forgotten a part are not there: what is asked for next is stored in their place', async () => {
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = storeOver(opened.client)
    for (const place of [0, 1, 3]) {
      await put(store, 'a', 'x'.repeat(200_000))
      const [entry] = await store.get('a')
      const [chunk] = (await redis.command('KEYS', `*${entry?.id}:${place}`)) as string[]
      expect(await redis.command('DEL', chunk as string)).toBe(1)
      expect(await store.get('a')).toEqual([])
    }
    expect(await put(store, 'a', 'y'.repeat(200_000))).toBe(true)
    expect(await bodyOf(store, 'a')).toBe('y'.repeat(200_000))
  })

  test.each(['nothing of ours', 'a 1 9999999999999 0 0\n{}', 'a 1 9999999999999 0 0\nnull', ''])(
    'that holds something else, %j, have nothing there, and can be stored',
    async (text) => {
      await using redis = await startRedis()
      await using opened = await connected(createClient({ url: redis.url }))
      const store = storeOver(opened.client)
      await put(store, 'a', 'x')
      const [shelf] = ((await redis.command('KEYS', 'gatelet:cache:{*}')) as string[]).filter((key) => !key.includes('index'))
      await redis.command('HSET', shelf as string, '', text)
      expect(await store.get('a')).toEqual([])
      expect(await put(store, 'a', 'y')).toBe(true)
      expect(await bodyOf(store, 'a')).toBe('y')
      await redis.command('SET', shelf as string, text)
      expect(await store.get('a')).toEqual([])
      expect(await put(store, 'a', 'z')).toBe(false)
      expect(await store.purge({ key: 'a' })).toBe(0)
    },
  )

  test('of another key are not taken for those of this one', async () => {
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = storeOver(opened.client)
    await put(store, 'a', 'of a')
    await put(store, 'b', 'of b')
    const shelves = ((await redis.command('KEYS', 'gatelet:cache:{*}')) as string[]).filter((key) => !key.includes('index'))
    const [one, two] = shelves as [string, string]
    await redis.command('RENAME', one, two)
    expect([...(await store.get('a')), ...(await store.get('b'))].length).toBe(0)
  })

  test('that is full store nothing, purge once there is room, and what a full index could not purge is not stored', async () => {
    heardWarnings()
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = storeOver(opened.client, { maxKeys: 3, maxTagged: 2 })
    const stored = []
    for (const key of ['a', 'b', 'c']) stored.push(await put(store, key, 'x', { tags: ['t'] }))
    for (const key of ['d', 'e']) stored.push(await put(store, key, 'x'))
    expect(stored).toEqual([true, true, false, true, false])
    expect(await store.purge({ tag: 't' })).toBe(2)
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    expect(await put(store, 'a', 'x')).toBe(false)
    const elsewhere = storeOver(opened.client)
    await expect(store.purge({ key: 'd' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect([(await store.get('d')).length, (await elsewhere.get('d')).length]).toEqual([0, 1])
    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    await expect.poll(async () => (await elsewhere.get('d')).length, { timeout: 10_000 }).toBe(0)
  })

  test('go when they are of no use any more, with all that they have in Redis', async () => {
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = storeOver(opened.client)
    const now = Date.now()
    expect(
      await put(store, 'a', 'x', {
        headers: ['cache-control', 'max-age=1'],
        tags: ['t'],
        responseTimeMs: now,
        requestTimeMs: now,
      }),
    ).toBe(true)
    const left = async () => ((await redis.command('KEYS', '*')) as string[]).filter((key) => !/:(count|purges)$/.test(key))
    expect((await left()).length).toBe(5)
    await expect.poll(left, { timeout: 10_000 }).toEqual([])
  })

  test.each([
    [{ key: 'a' }, false],
    [{ tag: 't' }, true],
    [{ key: 'other' }, true],
  ] as const)(
    'that is told of a purge of %j before it hears that an entry was opened stores nothing old',
    async (what, stored) => {
      await using redis = await startRedis()
      await using opened = await connected(createClient({ url: redis.url }))
      let resolve = () => {}
      const promise = new Promise<void>((done) => (resolve = done))
      // As clients of clusters may do.
      const outOfTurn = {
        isReady: true,
        on: () => {},
        listenerCount: () => 1,
        async sendCommand(args: readonly string[], options?: undefined) {
          if (args[0] === 'GET' && args[1]?.endsWith(':count')) await promise
          return opened.client.sendCommand(args, options)
        },
      }
      const store = storeOver(outOfTurn)
      const writer = store.open('a', '', metaOf())
      await store.purge(what, { soft: 'tag' in what })
      resolve()
      expect(await writer?.commit(metaOf({ tags: ['t'] }))).toBe(stored)
      const softPurged = (await store.get('a')).map(({ meta }) => meta.softPurgedAt !== undefined)
      expect(softPurged).toEqual(stored ? ['tag' in what] : [])
    },
  )

  test('are all found by their tag, also while others come and go in its list', async () => {
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const list = 'gatelet:cache:{index}:tag:t'
    let pages = 0
    const shifting = {
      isReady: true,
      on: () => {},
      listenerCount: () => 1,
      async sendCommand(args: readonly string[], options?: undefined) {
        const answer = await opened.client.sendCommand(args, options)
        // As whoever enters another reply removes what is over.
        if (/^Z(SCAN|RANGE)$/.test(args[0] ?? '') && pages++ === 0) await redis.command('ZREMRANGEBYRANK', list, '0', '99')
        return answer
      },
    }
    const store = storeOver(shifting, { writeTimeoutMs: 10_000 })
    expect(await put(store, 'a', 'x', { tags: ['t'] })).toBe(true)
    await redis.command('ZADD', list, ...Array.from({ length: 1_000 }, (_, at) => [String(at), `over ${at}`]).flat())
    expect(await store.purge({ tag: 't' })).toBe(1)
    expect(await store.get('a')).toEqual([])
  })

  test('give up what comes faster than Redis takes it', async () => {
    heardWarnings()
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = storeOver(opened.client, { maxPendingBytes: 200_000 })
    redis.signal('SIGSTOP')
    const writer = store.open('a', '', metaOf())
    let written = 0
    while (writer?.write(Buffer.alloc(50_000))) written += 50_000
    expect(written).toBe(200_000)
    redis.signal('SIGCONT')
    expect(await writer?.commit()).toBe(false)
    await expect.poll(() => put(store, 'b', 'y'.repeat(190_000)), { timeout: 10_000 }).toBe(true)
  })
})
