import { type Checks, type Clock, isToken, options } from '@gatelet/core'
import type { CryptoKey, KeyObject } from 'jose'
import { type Algorithm, algorithms } from '../keys/fit.ts'
import type { Principal } from '../principal.ts'

/** What the upstream is told of who is asking. */
export interface IdentityOptions<P extends Principal<object> = Principal> {
  /**
   * Header fields, and what of the principal stands in them; undefined: the field is not sent. What is not printable ASCII, and `%`,
   * is percent-encoded as UTF-8: a claim cannot bring a line of its own.
   * @example { 'x-user': ({ subject }) => subject, 'x-scopes': ({ scopes }) => [...scopes].join(' ') }
   */
  headers?: Readonly<Record<string, (principal: P) => string | undefined>>
  /** A token that this gateway signs itself, in place of the client's. */
  token?: IdentityTokenOptions<P>
  /** More header fields that clients must not send, since the upstream believes them. A `*` at the end stands for anything. */
  strip?: readonly string[]
  /** Takes the client's credentials away: `Authorization`, `DPoP`, and these fields. Default: they go on to the upstream. */
  stripCredentials?: boolean | readonly string[]
}

/** How the gateway's own token is made. */
export interface IdentityTokenOptions<P extends Principal<object> = Principal> {
  /** The field in which it is sent; `authorization`: behind `Bearer`. Default `x-identity`. */
  header?: string
  /** Signs it; only this gateway has it. */
  key: CryptoKey | KeyObject | Uint8Array
  algorithm: Algorithm
  /** Names the key, for the upstream to find it. */
  keyId?: string
  issuer: string
  audience: string
  /** How long it is good, in milliseconds, 1,000 to 3,600,000. Default 60,000. It never outlives the principal. */
  lifetimeMs?: number
  /** What it says beside `sub`, `scope` and the dates. */
  claims?: (principal: P) => Readonly<Record<string, unknown>>
  clock?: Clock
}

const { boolean, either, fn, list, number, oneOf, optional, record, shape, string, wrong } = options

const fieldName = (value: unknown, path: string): string => {
  if (typeof value === 'string' && isToken(value)) return value.toLowerCase()
  throw wrong(value, path, 'the name of a header field, such as x-user')
}

const tokenChecks: Checks<IdentityTokenOptions> = {
  header: optional(fieldName),
  key: (value, path) => {
    if (value instanceof Uint8Array || (typeof value === 'object' && value !== null && 'type' in value)) return value as CryptoKey
    // Never what it is.
    throw wrong(typeof value, path, 'a CryptoKey, a KeyObject or, for HS…, a Uint8Array')
  },
  algorithm: oneOf(...algorithms),
  keyId: optional(string),
  issuer: string,
  audience: string,
  lifetimeMs: optional(number({ min: 1_000, max: 3_600_000, unit: 'ms' })),
  claims: optional(fn<NonNullable<IdentityTokenOptions['claims']>>('a function of the principal')),
  clock: optional(options.clock),
}

/** The checks of `IdentityOptions`. */
export const identityChecks: Checks<IdentityOptions> = {
  headers: optional((value, path) => {
    const fields = record(fn<(principal: Principal) => string | undefined>('a function of the principal'))(value, path)
    for (const name of Object.keys(fields)) if (!isToken(name)) throw wrong(name, path, 'an object whose names are header fields')
    return fields
  }),
  token: optional(shape(tokenChecks)),
  strip: optional(
    list((value, path) => {
      if (typeof value === 'string' && isToken(value) && value.indexOf('*') === (value.endsWith('*') ? value.length - 1 : -1))
        return value
      throw wrong(value, path, 'the name of a header field, or its beginning and a *')
    }),
  ),
  stripCredentials: optional(either('true, false or a list of header fields', boolean, list(fieldName))),
}
