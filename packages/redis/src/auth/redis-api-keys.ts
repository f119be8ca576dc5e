import type { ApiKeyStore, Claims, StoredApiKey } from '@gatelet/auth'
import { type Check, type Checks, checkOptions, GatewayError, options } from '@gatelet/core'
import type { RedisClient } from '../client.ts'
import { KeptInRedis, type RedisAuthOptions } from './kept-in-redis.ts'

/** API keys in Redis or Valkey. */
export interface RedisApiKeys extends ApiKeyStore {
  find(id: string): Promise<StoredApiKey | undefined>
  /** Keeps what `createApiKey` gave as `stored`, until it ends; in place of what had its id. @throws GatewayError `BAD_OPTION` */
  put(key: StoredApiKey): Promise<void>
  /** From then on no process takes it. @returns whether it was there */
  revoke(id: string): Promise<boolean>
  /** Whether it answers, as far as is known. For a health check: keys are answered 503 while it does not. */
  readonly isAvailable: boolean
}

/**
 * Keeps API keys in Redis (6.2 or later) or Valkey, for all processes. Each request with a key asks for it, in one round trip, so that one
 * that is taken back is taken back at once. What is kept does not hold the secret.
 *
 * The client is yours: you connect and close it. Its errors never end the process.
 * @param client of node-redis 5 or 6, ioredis 5 or 6, or iovalkey; for one server or for a cluster
 * @throws GatewayError `BAD_OPTION`. Its methods reject with `STORE_TIMEOUT` and `STORE_UNAVAILABLE`; `find` with `INTERNAL` for a record
 * that is none
 * @example
 * const keys = redisApiKeys(client)
 * const { key, stored } = createApiKey({ subject: 'ada', pepper })
 * await keys.put(stored)
 * const guard = auth(apiKey({ keys, pepper }))
 */
export function redisApiKeys(client: RedisClient, given?: RedisAuthOptions): RedisApiKeys {
  const kept = new KeptInRedis('redisApiKeys', client, 'gatelet:api-key:', given)
  return {
    // Read after the answer is in: a record that somebody has spoiled is no reason to leave Redis alone.
    find: async (id) => recordOf(await kept.ask('get', id, [], textOrNull), id),
    async put(key) {
      const record = checkOptions('redisApiKeys', key, checks)
      const until = record.expiresAt === undefined ? [] : ['PXAT', String(Math.max(1, Math.ceil(record.expiresAt)))]
      await kept.ask('set', record.id, [JSON.stringify(record), ...until], () => {})
    },
    revoke: (id) => kept.ask('del', id, [], (count) => Number(count) === 1),
    get isAvailable() {
      return kept.isAvailable
    },
  }
}

const { list, number, optional, record, string, wrong } = options

const checks: Checks<StoredApiKey> = {
  id: string,
  hash: (value, path) => {
    if (typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value)) return value
    // Never what it is.
    throw wrong(typeof value, path, 'a hash as createApiKey makes it')
  },
  subject: string,
  scopes: optional(list(string)),
  roles: optional(list(string)),
  claims: optional(record(options.anything) as Check<Claims>),
  expiresAt: optional(number({ min: 0, max: 8_640_000_000_000_000 })),
}

function recordOf(text: string | null, id: string): StoredApiKey | undefined {
  if (text === null) return undefined
  try {
    const said = JSON.parse(text) as Record<string, unknown>
    // Names that are not known are passed over: somebody newer may have written it.
    const known = Object.keys(checks).filter((name) => said[name] !== undefined)
    const found = checkOptions('redisApiKeys', Object.fromEntries(known.map((name) => [name, said[name]])), checks)
    if (found.id === id) return found
  } catch (cause) {
    // What JSON.parse says may quote the text.
    const why = cause instanceof GatewayError ? `: ${cause.message}` : ''
    throw new GatewayError('INTERNAL', { message: `redisApiKeys: what is kept of the key ${id} is no record${why}` })
  }
  throw new GatewayError('INTERNAL', { message: `redisApiKeys: what is kept of the key ${id} is the record of another` })
}

function textOrNull(reply: unknown): string | null {
  if (typeof reply === 'string' || reply === null) return reply
  throw new Error('Redis answered with something else')
}
