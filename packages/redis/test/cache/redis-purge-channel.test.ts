import { memoryCacheStore, type PurgeSelector, tiered } from '@gatelet/cache'
import { type RedisPurgeChannel, redisCacheStore, redisPurgeChannel } from '@gatelet/redis'
import { requireProgram, startRedis } from '@gatelet/testing'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, test, vi } from 'vitest'
import { connected, type OpenClient, readied } from '../clients.ts'
import { oneRedis } from '../one-redis.ts'
import { cuttable } from './cuttable.ts'

type Told = readonly [PurgeSelector, boolean] | 'lost'

/** What is heard at a channel. */
function heardAt(channel: RedisPurgeChannel): Told[] {
  const told: Told[] = []
  channel.subscribe({ purged: (selector, soft) => told.push([selector, soft]), lost: () => told.push('lost') })
  return told
}

const isLive = (channel: RedisPurgeChannel) => expect.poll(() => channel.isLive, { timeout: 20_000 }).toBe(true)

/** Clients that do not keep what they cannot send. */
const opens: readonly (readonly [string, (url: string) => Promise<OpenClient & { readonly client: never }>])[] = [
  ['node-redis', (url) => connected(createClient({ url, disableOfflineQueue: true })) as never],
  ['ioredis', (url) => readied(new Redis(url, { retryStrategy: () => 50 })) as never],
]

describe.skipIf(!requireProgram('redis-server'))('a channel of purges', () => {
  const redis = oneRedis()
  let names = 0
  const nameOf = () => `purges-${names++}`

  describe.each(opens)('with clients of %s', (_, open) => {
    test('tells the others, and not itself', async () => {
      const name = nameOf()
      await using clients = await open(redis().url)
      await using ofA = await open(redis().url)
      await using ofB = await open(redis().url)
      const [a, b] = [ofA, ofB].map(({ client }) => redisPurgeChannel(clients.client, client, { name })) as [
        RedisPurgeChannel,
        RedisPurgeChannel,
      ]
      await Promise.all([isLive(a), isLive(b)])
      const [atA, atB] = [heardAt(a), heardAt(b)]
      await a.publish({ tag: 't' }, true)
      await a.publish({ all: true }, false)
      await expect
        .poll(() => atB, { timeout: 10_000 })
        .toEqual([
          [{ tag: 't' }, true],
          [{ all: true }, false],
        ])
      expect(atA).toEqual([])
      await Promise.all([a.close(), b.close()])
    })

    test.each(['cut', 'dead'] as const)(
      'says that messages may be lost when its connection is %s, and when it hears again',
      async (how) => {
        vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
        const name = nameOf()
        await using path = await cuttable(redis().port)
        await using sends = await open(redis().url)
        await using hears = await open(path.url)
        const channel = redisPurgeChannel(sends.client, hears.client, { name })
        await isLive(channel)
        const told = heardAt(channel)
        path.state = how
        // A dead connection tells nobody: it is silent.
        await expect.poll(() => channel.isLive, { timeout: 40_000 }).toBe(false)
        expect(told).toContain('lost')
        await redis().command('PUBLISH', name, JSON.stringify({ from: 'another', selector: { key: 'missed' }, soft: false }))
        told.length = 0
        path.state = 'open'
        await isLive(channel)
        // The last of all: what was near until now may be what was purged.
        expect(told.at(-1)).toBe('lost')
        await redis().command('PUBLISH', name, JSON.stringify({ from: 'another', selector: { key: 'heard' }, soft: false }))
        await expect.poll(() => told.at(-1), { timeout: 10_000 }).toEqual([{ key: 'heard' }, false])
        await channel.close()
      },
      90_000,
    )

    test.each(['cut', 'dead'] as const)(
      'sends later what it could not send while its connection was %s',
      async (how) => {
        vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
        const name = nameOf()
        await using path = await cuttable(redis().port)
        await using sends = await open(path.url)
        await using ofA = await open(redis().url)
        await using ofB = await open(redis().url)
        await using direct = await open(redis().url)
        const a = redisPurgeChannel(sends.client, ofA.client, { name, timeoutMs: 500 })
        const b = redisPurgeChannel(direct.client, ofB.client, { name })
        await Promise.all([isLive(a), isLive(b)])
        const atB = heardAt(b)
        path.state = how
        await expect(a.publish({ key: 'late' }, true)).rejects.toMatchObject({ code: expect.stringMatching(/^STORE_/) })
        path.state = 'open'
        await expect.poll(() => atB, { timeout: 20_000 }).toContainEqual([{ key: 'late' }, true])
        await Promise.all([a.close(), b.close()])
      },
      60_000,
    )
  })

  test('that missed a purge leaves nothing near that was purged: within nearMs, and not at all once it hears again', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    await using own = await startRedis()
    await using path = await cuttable(own.port)
    await using client = await connected(createClient({ url: own.url }))
    await using hears = await connected(createClient({ url: path.url }))
    const channel = redisPurgeChannel(client.client, hears.client)
    const far = redisCacheStore(client.client, { timeoutMs: 5_000, writeTimeoutMs: 5_000 })
    const store = tiered(memoryCacheStore({ maxBytes: 1_000_000 }), far, { channel, nearMs: 600_000 })
    const elsewhere = redisCacheStore(client.client, { timeoutMs: 5_000, writeTimeoutMs: 5_000 })
    await isLive(channel)
    const now = Date.now()
    const meta = { url: 'a', status: 200, headers: ['cache-control', 'max-age=600'], requestHeaders: {}, tags: [] }
    const put = async () => {
      const writer = store.open('a', '', { ...meta, requestTimeMs: now, responseTimeMs: now })
      writer?.write(Buffer.from('old'))
      return writer?.commit()
    }
    expect(await put()).toBe(true)
    expect(store.get('a')).not.toBeInstanceOf(Promise)
    path.state = 'dead'
    expect(await elsewhere.purge({ key: 'a' })).toBe(1)
    // Nobody has told. What shows it is the silence.
    await expect.poll(async () => (await store.get('a')).length, { timeout: 40_000 }).toBe(0)
    path.state = 'open'
    await isLive(channel)
    expect(await store.get('a')).toEqual([])
    await channel.close()
  }, 180_000)
})
