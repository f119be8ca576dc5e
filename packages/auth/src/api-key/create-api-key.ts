import { randomBytes } from 'node:crypto'
import { type Check, type Checks, checkOptions, options } from '@gatelet/core'
import { keyedHash } from '../digest.ts'
import type { Claims } from '../principal.ts'
import { pepperCheck, prefixCheck } from './api-key.ts'
import type { StoredApiKey } from './stored-key.ts'

/** Whose key it is to be, and what it may. */
export interface CreateApiKeyOptions {
  subject: string
  /** The same as `apiKey` is given. */
  pepper: Uint8Array
  /** Default `key`. */
  prefix?: string
  scopes?: readonly string[]
  roles?: readonly string[]
  claims?: Claims
  /** When it ends, in milliseconds since 1970. Default: it does not. */
  expiresAt?: number
}

const { list, number, optional, string } = options

const checks: Checks<CreateApiKeyOptions> = {
  subject: string,
  pepper: pepperCheck,
  prefix: optional(prefixCheck),
  scopes: optional(list(string)),
  roles: optional(list(string)),
  claims: optional(options.record(options.anything) as Check<Claims>),
  expiresAt: optional(number({ min: 0, max: 8_640_000_000_000_000 })),
}

/**
 * Makes an API key.
 * @returns `key`: to be shown to its owner, once; `stored`: what is kept of it
 * @throws GatewayError `BAD_OPTION`
 */
export function createApiKey(given: CreateApiKeyOptions): { key: string; stored: StoredApiKey } {
  const { pepper, prefix = 'key', ...more } = checkOptions('createApiKey', given, checks)
  const id = randomBytes(8).toString('hex')
  const secret = randomBytes(32).toString('base64url')
  return { key: `${prefix}_${id}.${secret}`, stored: { id, hash: keyedHash(pepper, secret).toString('base64url'), ...more } }
}
