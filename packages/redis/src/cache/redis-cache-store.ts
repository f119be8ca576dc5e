import {
  type CacheStore,
  cachePolicy,
  type PolicyOptions,
  type PurgeSelector,
  type StoredEntry,
  type StoredMeta,
} from '@gatelet/cache'
import { type Check, type Checks, type Clock, checkOptions, options, systemClock } from '@gatelet/core'
import { type BreakerOptions, breakerChecks } from '@gatelet/rate-limiter/toolkit'
import { type RedisClient, redisClient } from '../client.ts'
import { CacheInRedis } from './cache-in-redis.ts'

/** How replies are kept in Redis, and what happens when it is slow or away. */
export interface RedisCacheStoreOptions {
  /** Before each key, so that two applications can share a Redis. No braces. Default: `gatelet:cache:`. */
  prefix?: string
  /** How long Redis may take for one look, in milliseconds; then nothing is there. Default: 50. */
  timeoutMs?: number
  /**
   * How long Redis may take for one command that changes something, in milliseconds: a chunk of a body, a commit, a step of a
   * purge. No reply waits for it; what takes longer is not stored, and purges are tried again. Default: 1,000.
   */
  writeTimeoutMs?: number
  /** When a Redis that fails is left alone, and for how long. */
  breaker?: BreakerOptions
  /** Bytes of the longest body, at most 64 MiB. Default: 8 MiB. */
  maxEntryBytes?: number
  /** Bytes that are on their way to Redis, of all replies together; what comes beyond is not stored. Default: 16 MiB. */
  maxPendingBytes?: number
  /** Replies of one key, 1 to 1,000; beyond, the oldest goes. Default: 16. */
  maxVariants?: number
  /** Keys in the index by which prefixes are purged, about 300 bytes each; what comes beyond is not stored. Default: 1,000,000. */
  maxKeys?: number
  /** Keys in the set of one tag; what comes beyond is not stored, since a purge would not find it. Default: 100,000. */
  maxTagged?: number
  /** The rules by which a reply is of no use any more, and goes: those of the cache. Default: those that `cache()` has. */
  policy?: PolicyOptions
  /** Default: the machine's. */
  clock?: Clock
}

/** A store of replies in Redis or Valkey. */
export interface RedisCacheStore extends CacheStore {
  get(key: string, options?: { signal?: AbortSignal }): Promise<readonly StoredEntry[]>
  touch(key: string, entry: StoredEntry, meta: StoredMeta): Promise<void>
  purge(selector: PurgeSelector, options?: { soft?: boolean }): Promise<number>
  onPurged(listener: (selector: PurgeSelector, soft: boolean) => void): () => void
  /** Gives up purges that are still to be done. The client stays open: it is yours. */
  close(): Promise<void>
  /** Whether it answers, as far as is known. */
  readonly isAvailable: boolean
}

/**
 * Keeps replies in Redis (6.2 or later) or Valkey, for all processes that use it. A look-up is one round trip, each 64 KiB of a
 * body one more; `tiered` puts memory in front. An entry is there whole or not at all, and goes when it is of no use any more.
 *
 * While Redis is away nothing is there, and nothing is stored: requests go to the upstream. `purge` rejects then with
 * `STORE_UNAVAILABLE` or `STORE_TIMEOUT`, and is tried again until it is done; until then this process does not believe in what
 * it names, whatever Redis says. At most 1,000 purges wait so: beyond, all is purged instead. Other processes may find what is old
 * until it is done; it is not done at all when this process ends before, or when Redis comes back with what it had earlier (from a
 * snapshot, or a replica that was late).
 *
 * A purge does not reach what another process has asked the upstream for before, and gets after it: that is stored. Purging by
 * prefix or tag takes a round trip for each 1,000 keys, and a small script for each. A Redis that makes room by itself
 * (`maxmemory-policy` other than `noeviction`) may forget the list of a tag before the replies that have it: they are not found then.
 *
 * The client is yours: you connect and close it. Its errors never end the process.
 * @param client of node-redis 5 or 6, ioredis 5 or 6, or iovalkey; for one server or for a cluster
 * @throws GatewayError `BAD_OPTION`
 * @example cache({ store: tiered(memoryCacheStore({ maxBytes: 64 * 1024 ** 2 }), redisCacheStore(client)) })
 */
export function redisCacheStore(client: RedisClient, given: RedisCacheStoreOptions = {}): RedisCacheStore {
  const checked = checkOptions('redisCacheStore', given, checks)
  return new CacheInRedis(redisClient(client, 'client'), {
    prefix: checked.prefix ?? 'gatelet:cache:',
    timeoutMs: checked.timeoutMs ?? 50,
    writeTimeoutMs: checked.writeTimeoutMs ?? 1_000,
    breaker: checked.breaker ?? {},
    maxEntryBytes: checked.maxEntryBytes ?? 8_388_608,
    maxPendingBytes: checked.maxPendingBytes ?? 16_777_216,
    maxVariants: checked.maxVariants ?? 16,
    maxKeys: checked.maxKeys ?? 1_000_000,
    maxTagged: checked.maxTagged ?? 100_000,
    policy: cachePolicy(checked.policy),
    clock: checked.clock ?? systemClock,
  })
}

const { clock, milliseconds, number, optional, shape, wrong } = options

const whole = (min: number, max: number, unit?: string) =>
  optional(number({ min, max, integer: true, ...(unit === undefined ? {} : { unit }) }))

const prefix: Check<string> = (value, path) => {
  if (typeof value !== 'string' || /[{}]/.test(value)) throw wrong(value, path, 'a string without braces')
  return value
}

const checks: Checks<RedisCacheStoreOptions> = {
  prefix: optional(prefix),
  timeoutMs: optional(milliseconds()),
  writeTimeoutMs: optional(milliseconds()),
  breaker: optional(shape(breakerChecks)),
  maxEntryBytes: whole(1, 67_108_864, 'bytes'),
  maxPendingBytes: whole(65_536, Number.MAX_SAFE_INTEGER, 'bytes'),
  maxVariants: whole(1, 1_000),
  maxKeys: whole(1, 1_000_000_000),
  maxTagged: whole(1, 10_000_000),
  policy: optional((value, path) => {
    if (typeof value !== 'object' || value === null) throw wrong(value, path, 'an object of options, as of cachePolicy()')
    return value as PolicyOptions
  }),
  clock: optional(clock),
}
