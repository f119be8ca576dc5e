export type { BreakerOptions } from './breaker.ts'
export type { IoRedisClient, NodeRedisClient, NodeRedisCluster, RedisClient } from './client.ts'
export type { RedisRateStore, RedisRateStoreOptions } from './redis-rate-store.ts'
export { redisRateStore } from './redis-rate-store.ts'
