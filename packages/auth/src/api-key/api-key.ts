import {
  type Checks,
  type Clock,
  type Context,
  checkOptions,
  isPromise,
  isToken,
  type MaybePromise,
  options,
  systemClock,
} from '@gatelet/core'
import { authorizationOf } from '../authorization.ts'
import { isSameHash, keyedHash } from '../digest.ts'
import { principalOf } from '../principal.ts'
import { absent, type Refused, type Unavailable, type Verdict, type Verifier } from '../verifier.ts'
import { isPrefix, type KeyParts, readKey } from './key-text.ts'
import type { ApiKeyStore, StoredApiKey } from './stored-key.ts'

/** Where API keys come from, and where they are kept. */
export interface ApiKeyOptions {
  keys: ApiKeyStore
  /** The secret with which the secrets of keys are hashed: at least 32 bytes, the same for all processes, kept apart from the store. */
  pepper: Uint8Array
  /** What keys of this kind begin with, before `_`: a letter, then letters and digits, 32 at most. A key that begins otherwise is not of this kind. Default `key`. */
  prefix?: string
  /**
   * The header field that holds the key; `authorization`: behind `Bearer`, which other verifiers may look at as well. Default
   * `x-api-key`. There is no way to have it in the query, where logs and histories keep it.
   */
  header?: string
  clock?: Clock
}

const { optional, wrong } = options

/** A secret of at least 32 bytes. */
export const pepperCheck = (value: unknown, path: string): Uint8Array => {
  if (value instanceof Uint8Array && value.byteLength >= 32) return Uint8Array.from(value)
  // Never what it is.
  throw wrong(typeof value, path, 'a Uint8Array of at least 32 bytes')
}

/** What keys begin with. */
export const prefixCheck = (value: unknown, path: string): string => {
  if (isPrefix(value)) return value
  throw wrong(value, path, 'a letter, then letters and digits, 32 at most')
}

const checks: Checks<ApiKeyOptions> = {
  keys: (value, path) => {
    if (typeof (value as ApiKeyStore | undefined)?.find === 'function') return value as ApiKeyStore
    throw wrong(typeof value, path, 'a store of API keys, such as memoryApiKeys()')
  },
  pepper: pepperCheck,
  prefix: optional(prefixCheck),
  header: optional((value, path) => {
    if (typeof value === 'string' && isToken(value)) return value.toLowerCase()
    throw wrong(value, path, 'the name of a header field, such as x-api-key')
  }),
  clock: optional(options.clock),
}

/**
 * Verifies API keys that `createApiKey` has made, written `prefix_id.secret`. The id finds what is kept; the secret proves itself by a
 * keyed hash, compared in constant time, and an id that is not there takes the same work as a secret that is wrong.
 * @throws GatewayError `BAD_OPTION`
 */
export function apiKey(given: ApiKeyOptions): Verifier {
  const { keys, pepper, prefix = 'key', header = 'x-api-key', clock = systemClock } = checkOptions('apiKey', given, checks)
  const textOf = header === 'authorization' ? bearerText : (ctx: Context) => fieldText(ctx, header)
  const judge = (parts: KeyParts, stored: StoredApiKey | undefined): Verdict => {
    const isRight = isSameHash(keyedHash(pepper, parts.secret), Buffer.from(stored?.hash ?? nobodys, 'base64url'))
    if (!stored || !isRight) return unknown
    // Not `>=`: what a store gives for a date and is none must not be one that never comes.
    if (stored.expiresAt !== undefined && !(clock.date() < stored.expiresAt)) return expired
    return { kind: 'proved', principal: principalOf({ scheme: 'api-key', ...stored }) }
  }
  return {
    challenges: [header === 'authorization' ? { scheme: 'Bearer', params: {} } : { scheme: 'ApiKey', params: { header } }],
    verify(ctx) {
      const text = textOf(ctx)
      if (text === undefined) return absent
      if (typeof text !== 'string') return text
      const isOurs = text.startsWith(`${prefix}_`)
      const parts = isOurs ? readKey(text) : undefined
      if (!parts) return header === 'authorization' && !isOurs ? absent : malformed
      return looked(keys, parts, judge)
    },
  }
}

function looked(
  keys: ApiKeyStore,
  parts: KeyParts,
  judge: (parts: KeyParts, stored?: StoredApiKey) => Verdict,
): MaybePromise<Verdict> {
  try {
    const found = keys.find(parts.id)
    return isPromise(found) ? found.then((late) => judge(parts, late), away) : judge(parts, found)
  } catch (error) {
    return away(error)
  }
}

const away = (cause: unknown): Unavailable => ({ kind: 'unavailable', reason: 'no-store', cause })

function fieldText({ request: { headers } }: Context, name: string): string | Refused | undefined {
  const text = headers.get(name)
  return text?.includes(',') ? several : text?.trim()
}

function bearerText(ctx: Context): string | Refused | undefined {
  const found = authorizationOf(ctx, 'bearer')
  if (found.kind === 'absent') return undefined
  return found.kind === 'malformed' ? several : found.text
}

// Reading a hash takes time, too: there is one for an id that is not there.
const nobodys = Buffer.alloc(32).toString('base64url')

const several: Refused = { kind: 'refused', status: 400, reason: 'malformed-header' }
const malformed: Refused = { kind: 'refused', status: 401, reason: 'malformed' }
// An id that is not there and a secret that is wrong are told as one.
const unknown: Refused = { kind: 'refused', status: 401, reason: 'unknown-key' }
const expired: Refused = { kind: 'refused', status: 401, reason: 'expired' }
