import { setTimeout } from 'node:timers/promises'
import { redisRateStore } from '@gatelet/redis'
import { describeRateStore, requireProgram } from '@gatelet/testing'
import { createClient } from 'redis'
import { describe, test } from 'vitest'
import { oneRedis } from './one-redis.ts'

describe.skipIf(!requireProgram('redis-server'))('at the time of Redis', () => {
  const redis = oneRedis()

  describeRateStore(
    'redisRateStore',
    async () => {
      const client = createClient({ url: redis().url })
      await client.connect()
      return {
        store: redisRateStore(client, { timeoutMs: 5_000 }),
        advance: (ms) => setTimeout(ms),
        close: () => client.destroy(),
      }
    },
    { describe, test, unitMs: 300 },
  )
})
