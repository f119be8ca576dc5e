import { type Checks, type Clock, checkOptions, type MaybePromise, options, systemClock } from '@gatelet/core'
import type { RateRequest, RateStore, RateVerdict } from '@gatelet/rate-limiter'
import { type BreakerOptions, breakerChecks } from '@gatelet/rate-limiter/toolkit'
import { type RedisClient, redisClient } from './client.ts'
import { CountsInRedis } from './counts-in-redis.ts'
import { type LeaseOptions, leaseChecks } from './leasing.ts'

/** How counts are kept in Redis, and what happens when it is slow or away. */
export interface RedisRateStoreOptions {
  /** Before each key, so that two applications can share a Redis. No braces. Default: `gatelet:rate:`. */
  prefix?: string
  /**
   * How long a decision may take, in milliseconds; then the limiter goes by its `onStoreError`. As many decisions wait as come
   * in that time. Default: 50.
   */
  timeoutMs?: number
  /** When a Redis that fails is left alone, and for how long. */
  breaker?: BreakerOptions
  /**
   * How long a slot of a `concurrency` rule is held for a process that has died, in milliseconds, at least 1,000. The limiter
   * renews it while its request lasts. Default: 60,000.
   */
  leaseMs?: number
  /**
   * For a cluster: the hash tag of all keys, so that one node decides about any rules together. Default: counts of the same
   * key are on one node, and a decision over several keys asks several nodes; see the README.
   */
  tag?: string
  /**
   * How many keys are remembered as over their limit, 0 to a million: until they may come again, they are refused without
   * asking. What another process gives back in that time is not noticed. 0 asks always. Default: 10,000.
   */
  maxDenied?: number
  /**
   * Takes units for `size` requests at once and hands them out here for up to `maxMs`, so that most requests need not ask. Then
   * limits hold with an error: at most `size` more for each process; see the README. Default: every request asks.
   */
  lease?: LeaseOptions
  /** Default: the machine's. For deadlines only: counts go by the clock of Redis. */
  clock?: Clock
}

/** A store of rate limits in Redis or Valkey. */
export interface RedisRateStore extends RateStore {
  take(requests: readonly RateRequest[], signal?: AbortSignal): MaybePromise<readonly RateVerdict[]>
  give(requests: readonly RateRequest[]): Promise<void>
  readonly leaseMs: number
  /** Whether it answers, as far as is known. For a health check: requests go by `onStoreError` while it does not. */
  readonly isAvailable: boolean
  /** Gives back what was taken ahead (`lease`). The client stays open: it is yours. */
  close(): Promise<void>
}

/**
 * Counts in Redis (6.2 or later) or Valkey, shared by all processes that use it: exact, since one script decides about all
 * rules of a request, by the clock of Redis, in one round trip. Counts that have refilled expire by themselves.
 *
 * The client is yours: you connect and close it. Its errors never end the process.
 * @param client of node-redis 5 or 6, ioredis 5 or 6, or iovalkey; for one server or for a cluster
 * @throws GatewayError `BAD_OPTION`
 * @example
 * const client = await createClient({ url: 'redis://10.0.0.5' }).connect()
 * const layer = rateLimit({ limit: 100, per: '1m', store: redisRateStore(client) })
 */
export function redisRateStore(client: RedisClient, given: RedisRateStoreOptions = {}): RedisRateStore {
  const { clock = systemClock, ...checked } = checkOptions('redisRateStore', given, checks)
  return new CountsInRedis(redisClient(client, 'client'), { clock, ...checked })
}

const { clock, milliseconds, number, optional, shape, string, wrong } = options

const checks: Checks<RedisRateStoreOptions> = {
  prefix: optional((value, path) => withoutBraces(value, path)),
  timeoutMs: optional(milliseconds()),
  breaker: optional(shape(breakerChecks)),
  leaseMs: optional(milliseconds(1_000)),
  tag: optional((value, path) => withoutBraces(string(value, path), path)),
  lease: optional(shape(leaseChecks)),
  maxDenied: optional(number({ min: 0, max: 1_000_000, integer: true })),
  clock: optional(clock),
}

/** Braces mark what of a key decides about its slot. */
function withoutBraces(value: unknown, path: string): string {
  if (typeof value !== 'string' || /[{}]/.test(value)) throw wrong(value, path, 'a string without braces')
  return value
}
