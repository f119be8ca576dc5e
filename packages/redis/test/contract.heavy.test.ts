import { setTimeout } from 'node:timers/promises'
import { redisRateStore } from '@gatelet/redis'
import { describeRateStore, type RunningRedis, requireProgram, startRedis } from '@gatelet/testing'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, test } from 'vitest'

describe.skipIf(!requireProgram('redis-server'))('at the time of Redis', () => {
  let redis: RunningRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.close())

  describeRateStore(
    'redisRateStore',
    async () => {
      const client = createClient({ url: redis.url })
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
