import { clusterRateStore } from '@gatelet/rate-limiter'
import { type RedisClient, redisApiKeys, redisCacheStore, redisPurgeChannel, redisRateStore } from '@gatelet/redis'
import type { Subject } from './subjects.ts'

const client: RedisClient = { isReady: false, sendCommand: async () => '', on: () => {}, listenerCount: () => 1 }

/** The options of stores for many processes. */
export const rateStoreSubjects: Readonly<Record<string, Subject>> = {
  RedisRateStoreOptions: {
    through: (options) => redisRateStore(client, options),
    bad: {
      prefix: '{a}',
      timeoutMs: 0,
      breaker: 5,
      leaseMs: 999,
      tag: '',
      maxDenied: -1,
      lease: 20,
      clock: Date,
    },
  },
  RedisCacheStoreOptions: {
    through: (options) => redisCacheStore(client, options),
    bad: {
      prefix: '{a}',
      timeoutMs: 0,
      writeTimeoutMs: 0,
      breaker: 5,
      maxEntryBytes: 100_000_000,
      maxPendingBytes: 1,
      maxVariants: 0,
      maxKeys: 0,
      maxTagged: 1.5,
      policy: 5,
      clock: Date,
    },
  },
  RedisPurgeChannelOptions: {
    through: (options) => redisPurgeChannel(client, { ...client, subscribe: async () => {} } as never, options),
    bad: { name: '', timeoutMs: 0, clock: Date },
  },
  LeaseOptions: {
    through: (lease) => redisRateStore(client, { lease }),
    at: 'lease',
    good: { size: 2 },
    bad: { size: 1, maxMs: 0 },
  },
  BreakerOptions: {
    through: (breaker) => redisRateStore(client, { breaker }),
    at: 'breaker',
    bad: { failures: 0, openMs: '1s' },
  },
  RedisAuthOptions: {
    through: (options) => redisApiKeys(client, options),
    bad: { prefix: 7, timeoutMs: 0, breaker: 5, clock: Date },
  },
  ClusterRateStoreOptions: { through: clusterRateStore, bad: { timeoutMs: 0, breaker: true, clock: Date } },
}
