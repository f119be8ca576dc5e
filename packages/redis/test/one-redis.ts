import { type RunningRedis, startRedis } from '@gatelet/testing'
import { afterAll, beforeAll } from 'vitest'

/** A Redis for all tests of the suite in which it stands. @returns it, once the tests run */
export function oneRedis(): () => RunningRedis {
  let redis: RunningRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.close())
  return () => redis
}
