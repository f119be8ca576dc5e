import type { ReplayStore } from '@gatelet/auth'
import type { RedisClient } from '../client.ts'
import { KeptInRedis, type RedisAuthOptions } from './kept-in-redis.ts'

/** Remembers what may be used once, in Redis or Valkey. */
export interface RedisReplays extends ReplayStore {
  use(id: string, madeAt: number, untilMs: number): Promise<boolean>
  /** Whether it answers, as far as is known. For a health check: what may be used once is answered 503 while it does not. */
  readonly isAvailable: boolean
}

/**
 * Remembers for all processes what may be used once (proofs of DPoP, nonces of signatures, ids of webhooks), in Redis or Valkey: one command
 * for each, `SET … NX PX`, after which exactly one of those who ask at the same time is the first. What is too old to be accepted is forgotten.
 *
 * The client is yours: you connect and close it. Its errors never end the process. See to it that Redis forgets nothing sooner: with
 * `maxmemory-policy noeviction` it refuses when it is full, and then the answer is 503.
 * @param client of node-redis 5 or 6, ioredis 5 or 6, or iovalkey; for one server or for a cluster
 * @throws GatewayError `BAD_OPTION`
 * @example jwt({ … }, { dpop: { replays: redisReplays(client) } })
 */
export function redisReplays(client: RedisClient, given?: RedisAuthOptions): RedisReplays {
  const kept = new KeptInRedis('redisReplays', client, 'gatelet:used:', given)
  return {
    use(id, _, untilMs) {
      const forMs = Math.max(0, Math.ceil(untilMs - kept.clock.date())) + CLOCKS_DIFFER_MS
      return kept.ask('set', id, ['1', 'NX', 'PX', String(forMs)], isFirst)
    },
    get isAvailable() {
      return kept.isAvailable
    },
  }
}

function isFirst(reply: unknown): boolean {
  if (reply === 'OK') return true
  if (reply === null) return false
  throw new Error('Redis answered with something else')
}

// Whoever notes it may have a clock that is ahead of that of the one who is asked next, and accepts it for longer.
const CLOCKS_DIFFER_MS = 10_000
