import type { MaybePromise } from '@gatelet/core'
import type { Claims } from '../principal.ts'

/** What is kept of an API key. Whoever reads it cannot make the key of it. */
export interface StoredApiKey {
  /** The part of the key that finds it. Not secret. */
  readonly id: string
  /** HMAC-SHA-256 of the secret part, keyed with the pepper, in base64url. */
  readonly hash: string
  /** Whose key it is. */
  readonly subject: string
  readonly scopes?: readonly string[]
  readonly roles?: readonly string[]
  readonly claims?: Claims
  /** When it ends, in milliseconds since 1970. Default: it does not. */
  readonly expiresAt?: number
}

/** Where API keys are kept: a table, a key-value store. `memoryApiKeys` is one; `redisApiKeys` another. */
export interface ApiKeyStore {
  /** @returns undefined for an id that is not there, or was taken back. Throws or rejects where that cannot be said: the answer is 503. */
  find(id: string): MaybePromise<StoredApiKey | undefined>
}

/** Keys in the memory of this process, for tests and for the few that stand in a configuration. */
export function memoryApiKeys(keys: Iterable<StoredApiKey> = []): ApiKeyStore & {
  put(key: StoredApiKey): void
  /** @returns whether it was there */
  revoke(id: string): boolean
} {
  const byId = new Map([...keys].map((key) => [key.id, key]))
  return { find: (id) => byId.get(id), put: (key) => void byId.set(key.id, key), revoke: (id) => byId.delete(id) }
}
