import { apiKey, createApiKey, type StoredApiKey, type Verdict } from '@gatelet/auth'
import { type RedisApiKeys, redisApiKeys } from '@gatelet/redis'
import { requireProgram, startRedis } from '@gatelet/testing'
import { createClient } from 'redis'
import { describe, expect, test, vi } from 'vitest'
import { contextOf } from '../../../auth/test/fakes.ts'
import { clients, connected } from '../clients.ts'
import { oneRedis } from '../one-redis.ts'

const found = requireProgram('redis-server')
const patient = { timeoutMs: 10_000 }
const pepper = new Uint8Array(32).fill(1)
const asked = async (keys: RedisApiKeys, key: string): Promise<Verdict> =>
  apiKey({ keys, pepper }).verify(contextOf({ 'x-api-key': key }))

describe.skipIf(!found)('API keys in Redis', () => {
  const redis = oneRedis()

  test.each(clients)('are taken by all processes until one takes them back: %s', async (_, open) => {
    await using a = await open(redis().url)
    await using b = await open(redis().url)
    const [here, there] = [redisApiKeys(a.client, patient), redisApiKeys(b.client, patient)]
    const { key, stored } = createApiKey({ subject: 'ada', pepper, scopes: ['read'], roles: ['ops'], claims: { team: 'ü' } })
    expect(await asked(there, key)).toMatchObject({ kind: 'refused', reason: 'unknown-key' })
    await here.put(stored)
    expect(await there.find(stored.id)).toEqual(stored)
    const verdict = await asked(there, key)
    expect(verdict).toMatchObject({ kind: 'proved', principal: { subject: 'ada', claims: { team: 'ü' } } })
    expect(await asked(there, `${key.slice(0, -43)}${'A'.repeat(43)}`)).toMatchObject({ kind: 'refused', reason: 'unknown-key' })
    expect([await there.revoke(stored.id), await there.revoke(stored.id)]).toEqual([true, false])
    expect(await asked(here, key)).toMatchObject({ kind: 'refused', reason: 'unknown-key' })
  })

  test('are kept without their secret, until they end', async () => {
    await using opened = await connected(createClient({ url: redis().url }))
    const keys = redisApiKeys(opened.client, patient)
    const { key, stored } = createApiKey({ subject: 'ada', pepper, expiresAt: Date.now() + 60_000.5 })
    await keys.put(stored)
    const kept = String(await redis().command('GET', `gatelet:api-key:${stored.id}`))
    expect(kept).not.toContain(key.slice(key.indexOf('.') + 1))
    const left = Number(await redis().command('PTTL', `gatelet:api-key:${stored.id}`))
    expect(left).toBeGreaterThan(50_000)
    expect(left).toBeLessThanOrEqual(60_001)
    expect(await asked(keys, key)).toMatchObject({ kind: 'proved', principal: { expiresAt: stored.expiresAt } })
    // Put again without an end, it has none.
    const { expiresAt: _, ...endless } = stored
    await keys.put(endless)
    expect(await redis().command('PTTL', `gatelet:api-key:${stored.id}`)).toBe(-1)
    await keys.put({ ...stored, expiresAt: 0 })
    expect(await keys.find(stored.id)).toBeUndefined()
  })

  test.each<[string, (stored: StoredApiKey) => unknown, RegExp]>([
    ['no JSON', () => 'hash=x', /is no record$/],
    ['no object', () => 'null', /is no record$/],
    ['without a hash', ({ hash: _, ...rest }) => rest, /hash must be a hash/],
    ['with an end that is a text', (stored) => ({ ...stored, expiresAt: '2020-01-01' }), /expiresAt must be a number/],
    ['with scopes that are a text', (stored) => ({ ...stored, scopes: 'read' }), /scopes must be a list/],
    ['that is another’s', (stored) => ({ ...stored, id: '0'.repeat(16) }), /is the record of another$/],
  ])('whose record is %s prove nothing, and are no reason to leave Redis alone', async (_, spoil, message) => {
    await using opened = await connected(createClient({ url: redis().url }))
    const keys = redisApiKeys(opened.client, { ...patient, breaker: { failures: 1 } })
    const { key, stored } = createApiKey({ subject: 'ada', pepper })
    const spoiled = spoil(stored)
    await redis().command('SET', `gatelet:api-key:${stored.id}`, typeof spoiled === 'string' ? spoiled : JSON.stringify(spoiled))
    expect(await asked(keys, key)).toMatchObject({
      kind: 'unavailable',
      cause: { code: 'INTERNAL', message: expect.stringMatching(message) },
    })
    await expect(keys.find(stored.id)).rejects.not.toThrow(new RegExp(stored.hash))
    expect(keys.isAvailable).toBe(true)
  })

  test('that somebody newer has written are read as far as they are known', async () => {
    await using opened = await connected(createClient({ url: redis().url }))
    const keys = redisApiKeys(opened.client, patient)
    const { stored } = createApiKey({ subject: 'ada', pepper })
    await redis().command('SET', `gatelet:api-key:${stored.id}`, JSON.stringify({ ...stored, createdBy: 'bob' }))
    expect(await keys.find(stored.id)).toEqual(stored)
  })

  test('that are none are not kept', async () => {
    await using opened = await connected(createClient({ url: redis().url }))
    const keys = redisApiKeys(opened.client, patient)
    const { stored } = createApiKey({ subject: 'ada', pepper })
    await expect(keys.put({ ...stored, hash: 'secret' })).rejects.toMatchObject({ code: 'BAD_OPTION', path: 'hash' })
    await expect(keys.put({ ...stored, hash: 'secret' })).rejects.not.toThrow(/secret/)
  })

  test('cannot be judged while Redis hangs, and nobody is let in', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    await using own = await startRedis()
    await using opened = await connected(createClient({ url: own.url }))
    const keys = redisApiKeys(opened.client, { timeoutMs: 200, breaker: { failures: 1, openMs: 100 } })
    const { key, stored } = createApiKey({ subject: 'ada', pepper })
    await keys.put(stored)
    own.signal('SIGSTOP')
    expect(await asked(keys, key)).toMatchObject({ kind: 'unavailable', cause: { code: 'STORE_TIMEOUT' } })
    expect(await asked(keys, key)).toMatchObject({ kind: 'unavailable', cause: { code: 'STORE_UNAVAILABLE' } })
    own.signal('SIGCONT')
    await expect.poll(async () => (await asked(keys, key)).kind, { timeout: 10_000, interval: 20 }).toBe('proved')
  })
})
