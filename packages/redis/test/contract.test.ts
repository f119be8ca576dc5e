import { redisRateStore } from '@gatelet/redis'
import { describeRateStore, requireProgram, virtualClock } from '@gatelet/testing'
import { createClient } from 'redis'
import { describe, test } from 'vitest'
import { oneRedis } from './one-redis.ts'
import { atTestTime, setTime } from './test-time.ts'

describe.skipIf(!requireProgram('redis-server'))('at the time of a test', () => {
  const redis = oneRedis()

  describeRateStore(
    'redisRateStore',
    async () => {
      const clock = virtualClock()
      const client = createClient({ url: redis().url })
      await client.connect()
      await setTime(client, clock.now())
      return {
        store: redisRateStore(atTestTime(client), { clock }),
        async advance(ms) {
          await clock.advance(ms)
          await setTime(client, clock.now())
        },
        close: () => client.destroy(),
      }
    },
    { describe, test },
  )
})
