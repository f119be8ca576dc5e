import { type Checks, type Clock, options } from '@gatelet/core'
import { isSafe } from '../jwt/options.ts'
import type { Fetch } from '../keys/fetch-json.ts'
import type { Claims } from '../principal.ts'

/** Whom to ask about tokens, and how. */
export interface IntrospectionOptions {
  /** The introspection endpoint of the authorisation server: an https URL. */
  endpoint: string
  /** What this service is called there, */
  clientId: string
  /** and its secret: sent as Basic credentials (RFC 6749 §2.3.1). */
  clientSecret: string
  /** Who the tokens must be for: one of these must be in `aud`. Default: whatever the server says. */
  audience?: string | readonly string[]
  /** What `iss` must be, if the answer has one. Default: anything. */
  issuer?: string
  /** The member of the answer that is the principal's `subject`. Default `sub`; without it, `client_id`. */
  subjectClaim?: string
  /** What the principal's roles are. Default: none. */
  roles?: (claims: Claims) => Iterable<string>
  /**
   * How long an answer is believed, in milliseconds, 0 to 3,600,000: for as long a token that was taken back still passes. Never beyond
   * the token's own end. 0: each request asks. Default 10,000.
   */
  cacheMs?: number
  /** How long it is believed that a token is not good, in milliseconds, 0 to 600,000. Default 2,000. */
  negativeCacheMs?: number
  /** Answers that are remembered, 100 to 1,000,000. Default 10,000. */
  cacheTokens?: number
  /** Tokens that may be asked about at the same time, 1 to 100,000; more are answered 503. Default 1,000. */
  maxPending?: number
  /** For each question, in milliseconds. Default 5,000. */
  timeoutMs?: number
  /** In place of Node's own `fetch`: for a proxy, or certificates of one's own. */
  fetch?: Fetch
  clock?: Clock
}

const { either, fn, list, milliseconds, number, optional, string, wrong } = options

/** The checks of `IntrospectionOptions`. */
export const introspectionChecks: Checks<IntrospectionOptions> = {
  endpoint: (value, path) => {
    if (typeof value === 'string' && isSafe(value)) return value
    throw wrong(value, path, 'an https URL')
  },
  clientId: string,
  clientSecret: (value, path) => {
    if (typeof value === 'string' && value !== '') return value
    // Never what it is.
    throw wrong(typeof value, path, 'a text')
  },
  audience: optional(either('an audience or a list of them', string, list(string, { min: 1, max: 100 }))),
  issuer: optional(string),
  subjectClaim: optional(string),
  roles: optional(fn<NonNullable<IntrospectionOptions['roles']>>('a function of the claims')),
  cacheMs: optional(number({ min: 0, max: 3_600_000, unit: 'ms' })),
  negativeCacheMs: optional(number({ min: 0, max: 600_000, unit: 'ms' })),
  cacheTokens: optional(number({ min: 100, max: 1_000_000, integer: true })),
  maxPending: optional(number({ min: 1, max: 100_000, integer: true })),
  timeoutMs: optional(milliseconds()),
  fetch: optional(fn<Fetch>('a function such as fetch')),
  clock: optional(options.clock),
}
