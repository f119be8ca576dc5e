import { type ErrorCode, type EventMap, GatewayError, subscribe } from '@gatelet/core'
import { type RedisClient, type RedisRateStore, redisRateStore } from '@gatelet/redis'
import { requireProgram, startRedis } from '@gatelet/testing'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { clients, connected, readied } from './clients.ts'
import { isTaken, ofBurst, one, rules } from './rules.ts'

// Longer than the default: the machine that tests may be busy.
const TIMEOUT_MS = 200

const storeOver = (client: RedisClient, options = {}) =>
  redisRateStore(client, { timeoutMs: TIMEOUT_MS, breaker: { failures: 3, openMs: 100 }, ...options })

/** How one decision ends: `taken`, `refused`, or the code of an error. It must end within ten times the deadline. */
async function outcome(store: RedisRateStore, rule = ofBurst(1_000_000)): Promise<'taken' | 'refused' | ErrorCode> {
  const askedAt = performance.now()
  try {
    return isTaken(await store.take([one(rule)])) ? 'taken' : 'refused'
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return error.code
  } finally {
    expect(performance.now() - askedAt).toBeLessThan(10 * TIMEOUT_MS)
  }
}

const outcomes = async (store: RedisRateStore, times: number) => {
  const all: string[] = []
  while (all.length < times) all.push(await outcome(store))
  return all
}

/** Waits until decisions are taken again. */
const recovers = (store: RedisRateStore) => expect.poll(() => outcome(store), { timeout: 10_000, interval: 10 }).toBe('taken')

function heardChanges(): EventMap['store:changed'][] {
  const heard: EventMap['store:changed'][] = []
  onTestFinished(subscribe('store:changed', (event) => heard.push(event)))
  return heard
}

const heardWarnings = () => vi.spyOn(process, 'emitWarning').mockImplementation(() => {})

describe.skipIf(!requireProgram('redis-server'))('a Redis', () => {
  describe.each(clients)('with a client of %s', (_, open) => {
    test('that hangs is left alone, and asked again when it goes on', async () => {
      heardWarnings()
      const changes = heardChanges()
      await using redis = await startRedis()
      await using opened = await open(redis.url)
      const store = storeOver(opened.client)
      expect(await outcomes(store, 2)).toEqual(['taken', 'taken'])
      redis.signal('SIGSTOP')
      expect(await outcomes(store, 5)).toEqual([...Array(3).fill('STORE_TIMEOUT'), 'STORE_UNAVAILABLE', 'STORE_UNAVAILABLE'])
      expect(store.isAvailable).toBe(false)
      redis.signal('SIGCONT')
      await recovers(store)
      expect(store.isAvailable).toBe(true)
      expect(changes.map(({ store, isAvailable, error }) => [store, isAvailable, error?.code])).toEqual([
        ['redis', false, 'STORE_TIMEOUT'],
        ['redis', true, undefined],
      ])
    })

    test('that is killed and comes back empty ends no process, and counts again', async () => {
      heardWarnings()
      await using redis = await startRedis()
      await using opened = await open(redis.url)
      const store = storeOver(opened.client)
      expect(await outcome(store, ofBurst(1, 'once'))).toBe('taken')
      await redis.close()
      for (const outcome of await outcomes(store, 5)) expect(outcome).toMatch(/^STORE_(UNAVAILABLE|TIMEOUT)$/)
      await redis.start()
      await recovers(store)
      expect(await outcome(store, ofBurst(1, 'once'))).toBe('taken')
    })

    test.each([
      ['is out of memory', ['CONFIG', 'SET', 'maxmemory', '1'], /OOM/],
      ['is a replica', ['REPLICAOF', '127.0.0.1', '9'], /READONLY/],
    ])('that %s refuses to count, and counts again later', async (_, command, message) => {
      heardWarnings()
      await using redis = await startRedis({ args: ['--repl-diskless-load', 'disabled'] })
      await using opened = await open(redis.url)
      const store = storeOver(opened.client)
      await redis.command(...command)
      await expect(store.take([one(rules.gcra), one(rules.fixed)])).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        cause: { message: expect.stringMatching(message) },
      })
      expect(await redis.command('DBSIZE')).toBe(0)
      await redis.command(...(command[0] === 'CONFIG' ? ['CONFIG', 'SET', 'maxmemory', '0'] : ['REPLICAOF', 'NO', 'ONE']))
      await recovers(store)
    })
  })

  test('that is busy with a script is a store that is away', async () => {
    heardWarnings()
    await using redis = await startRedis({ args: ['--lua-time-limit', '1'] })
    await using opened = await connected(createClient({ url: redis.url }))
    const store = storeOver(opened.client)
    const busy = redis.command('EVAL', 'while true do end', '0').catch(String)
    await expect.poll(() => redis.command('PING').then(String, String), { timeout: 5_000 }).toMatch(/BUSY/)
    await expect(store.take([one(rules.gcra)])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      cause: { message: expect.stringMatching(/^BUSY/) },
    })
    await redis.command('SCRIPT', 'KILL')
    expect(await busy).toMatch(/killed/)
    await recovers(store)
  })

  test('that is not there when the program starts refuses at once, and is used as soon as it is', async () => {
    heardWarnings()
    await using redis = await startRedis()
    await redis.close()
    await using nodeRedis = {
      client: createClient({ url: redis.url }),
      async [Symbol.asyncDispose]() {
        this.client.destroy()
      },
    }
    await using ioRedis = {
      client: new Redis(redis.url, { maxRetriesPerRequest: null }),
      async [Symbol.asyncDispose]() {
        this.client.disconnect()
      },
    }
    // Nobody else listens: an 'error' event that nobody hears would end this process.
    const stores = [storeOver(nodeRedis.client), storeOver(ioRedis.client)]
    void nodeRedis.client.connect().catch(() => {})
    for (const store of stores) expect(await outcomes(store, 4)).toEqual(Array(4).fill('STORE_UNAVAILABLE'))
    await redis.start()
    for (const store of stores) await recovers(store)
  })

  test('that comes and goes is told of each time, and warned of once', async () => {
    const warnings = heardWarnings()
    const changes = heardChanges()
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const store = storeOver(opened.client)
    for (let round = 0; round < 4; round++) {
      redis.signal('SIGSTOP')
      await expect.poll(() => outcome(store), { interval: 1 }).toBe('STORE_UNAVAILABLE')
      redis.signal('SIGCONT')
      await recovers(store)
    }
    expect(changes.map(({ isAvailable }) => isAvailable)).toEqual(Array(4).fill([false, true]).flat())
    expect(warnings.mock.calls.map(([text]) => text)).toEqual([
      `the redis store is away: redis: no answer within ${TIMEOUT_MS} ms`,
    ])
  })

  test('that does not answer has nobody wait whose request is over, and keeps no slot for a request that went on without', async () => {
    heardWarnings()
    await using redis = await startRedis()
    await using opened = await readied(new Redis(redis.url))
    const store = storeOver(opened.client)
    const slot = { algorithm: 'concurrency', name: 'slot', limit: 1 } as const
    expect(isTaken(await store.take([one(ofBurst(1))]))).toBe(true)
    redis.signal('SIGSTOP')
    const gone = new AbortController()
    const left = store.take([one(slot, 'ada', 'left')], gone.signal)
    const late = store.take([one(slot, 'bob', 'late')])
    gone.abort(new Error('the client left'))
    await expect(left).rejects.toThrow('the client left')
    await expect(store.take([one(slot)], gone.signal)).rejects.toThrow('the client left')
    await expect(late).rejects.toMatchObject({ code: 'STORE_TIMEOUT' })
    redis.signal('SIGCONT')
    const slotOf = async (key: string) => isTaken(await store.take([one(slot, key, 'next')]))
    await expect.poll(() => slotOf('ada').catch(() => false), { timeout: 5_000 }).toBe(true)
    await expect.poll(() => slotOf('bob'), { timeout: 5_000 }).toBe(true)
  })

  test('whose client has errors tells them where somebody listens, and warns where nobody does', async () => {
    const warnings = heardWarnings()
    const client = createClient({ url: 'redis://127.0.0.1:9' })
    redisRateStore(client)
    redisRateStore(client)
    expect(client.listenerCount('error')).toBe(1)
    client.emit('error', new Error('first'))
    client.emit('error', new Error('second'))
    expect(warnings.mock.calls.map(([text]) => text)).toEqual(['the Redis client says: first'])
    const heard: string[] = []
    client.on('error', ({ message }: Error) => heard.push(message))
    client.emit('error', new Error('third'))
    expect(heard).toEqual(['third'])
    expect(warnings).toHaveBeenCalledTimes(1)
  })

  test('forgets the lease of a process that has died, and no other', async () => {
    await using redis = await startRedis()
    await using opened = await connected(createClient({ url: redis.url }))
    const slots = { algorithm: 'concurrency', name: 'slots', limit: 2 } as const
    const of = (leaseMs: number) => {
      const store = storeOver(opened.client, { leaseMs, timeoutMs: 5_000 })
      return async (lease: string) => isTaken(await store.take([one(slots, 'ada', lease)]))
    }
    const [long, short] = [of(60_000), of(1_000)]
    expect([await long('renewed'), await short('died'), await short('renewed'), await short('next')]).toEqual([
      true,
      true,
      true,
      false,
    ])
    // Renewed for a shorter time it lasts no less long as a whole.
    expect(Number(await redis.command('PTTL', 'gatelet:rate:{ada}n:slots'))).toBeGreaterThan(50_000)
    await expect.poll(() => long('next'), { timeout: 10_000 }).toBe(true)
  })
})
