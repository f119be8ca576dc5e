import { redisCacheStore } from '@gatelet/redis'
import { describeCacheStore, requireProgram } from '@gatelet/testing'
import { afterAll, describe, test } from 'vitest'
import { clients, type OpenClient } from '../clients.ts'
import { oneRedis } from '../one-redis.ts'

describe.skipIf(!requireProgram('redis-server'))('replies in Redis', () => {
  const redis = oneRedis()
  describe.each(clients)('with a client of %s', (name, open) => {
    let opened: OpenClient | undefined
    afterAll(() => opened?.[Symbol.asyncDispose]())
    let stores = 0
    const start = async () => {
      opened ??= await open(redis().url)
      // Slow machines must not make it break off.
      const prefix = `${name}-${stores++}:`
      const store = redisCacheStore(opened.client, { prefix, timeoutMs: 10_000, maxEntryBytes: 300_000, maxVariants: 4 })
      return { store, maxEntryBytes: 300_000, maxVariants: 4 }
    }
    describeCacheStore('redisCacheStore', start, { describe, test })
  })
})
