import { type Check, type Checks, type Clock, checkOptions, type MaybePromise, options, systemClock } from '@gatelet/core'
import type { Principal } from '../principal.ts'
import type { CookieRules } from './cookie.ts'

/** Which session it is. */
export interface SessionInfo {
  /** Made at random for each session; the same when it is renewed. */
  readonly id: string
  /** In milliseconds since 1970. */
  readonly createdAt: number
}

/** How sessions of browsers are kept. */
export interface SessionOptions {
  /**
   * What encrypts the cookies: 32 characters or bytes and more, the same for all processes. Of several, the first one encrypts and all
   * decrypt: put a new one in front, and take the old one away when its sessions are over. 10 at most.
   */
  secrets: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Default `__Host-session`; `session` where `secure` is false or there is a `domain` or a `path`. */
  name?: string
  /** A session that nobody uses for so long is over, in milliseconds, 60,000 to 34,560,000,000. Default 1,800,000: half an hour. */
  idleMs?: number
  /** A session is over after so long, in milliseconds, at least `idleMs`, at most 34,560,000,000: 400 days. Default 43,200,000: half a day. */
  absoluteMs?: number
  /** Whether requests from other sites carry the cookie. `strict`: nor links from there. `none` needs `secure`. Default `lax`. */
  sameSite?: 'strict' | 'lax' | 'none'
  /** Whether the cookie goes by https only; false for development on plain http. Default true. */
  secure?: boolean
  /** Under which path browsers send it. Default `/`. */
  path?: string
  /** For which domain and all hosts under it. Default: this host alone, which is safer. */
  domain?: string
  /**
   * Asks whether a session was ended elsewhere: without it a cookie that somebody has copied holds until it is over, also after logout.
   * Throws or rejects where that cannot be said: 503. Default: none was.
   */
  isRevoked?: (session: SessionInfo, principal: Principal) => MaybePromise<boolean>
  clock?: Clock
}

/** `SessionOptions`, checked, with every default filled in. */
export interface SessionRules extends CookieRules {
  readonly secrets: readonly Uint8Array[]
  readonly idleMs: number
  readonly absoluteMs: number
  readonly isRevoked: SessionOptions['isRevoked'] | undefined
  readonly clock: Clock
}

const { boolean, fn, list, number, oneOf, optional, token, wrong } = options

const secret: Check<Uint8Array> = (value, path) => {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  if (bytes instanceof Uint8Array && bytes.byteLength >= 32) return Uint8Array.from(bytes)
  // Never what it is.
  throw wrong(typeof value, path, 'a secret of at least 32 characters or bytes')
}

const MAX_MS = 34_560_000_000
const lifetime = number({ min: 60_000, max: MAX_MS, integer: true, unit: 'milliseconds' })

const text = (pattern: RegExp, expected: string): Check<string> => {
  return (value, path) => {
    if (typeof value === 'string' && pattern.test(value)) return value
    throw wrong(value, path, expected)
  }
}

const checks: Checks<Omit<SessionOptions, 'secrets'> & { secrets: Uint8Array | readonly Uint8Array[] }> = {
  // Not `either`, whose message says what was given.
  secrets: (value, path) => (Array.isArray(value) ? list(secret, { min: 1, max: 10 }) : secret)(value, path),
  name: optional(token('session')),
  idleMs: optional(lifetime),
  absoluteMs: optional(lifetime),
  sameSite: optional(oneOf('strict', 'lax', 'none')),
  secure: optional(boolean),
  path: optional(text(/^\/[\x21-\x3a\x3c-\x7e]*$/, 'a path such as /')),
  domain: optional(text(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, 'a name in small letters, such as example.com')),
  isRevoked: optional(fn<NonNullable<SessionOptions['isRevoked']>>('a function (session, principal) => boolean')),
  clock: optional(options.clock),
}

const sameSites = { strict: 'Strict', lax: 'Lax', none: 'None' } as const

/** @throws GatewayError `BAD_OPTION` */
export function sessionRules(given: SessionOptions): SessionRules {
  const checked = checkOptions('session', given, checks as unknown as Checks<SessionOptions>)
  const { sameSite = 'lax', secure = true, path = '/', domain, isRevoked, clock = systemClock } = checked
  const isHostOnly = secure && path === '/' && domain === undefined
  const { name = isHostOnly ? '__Host-session' : 'session', idleMs = 1_800_000 } = checked
  const { absoluteMs = Math.max(43_200_000, idleMs) } = checked
  // RFC 6265bis §4.1.3: browsers drop such cookies.
  if (/^__Host-/i.test(name) && !isHostOnly)
    throw wrong(name, 'name', 'without __Host- unless secure, path and domain are left as they are')
  if (/^__Secure-/i.test(name) && !secure) throw wrong(name, 'name', 'without __Secure- where secure is false')
  if (sameSite === 'none' && !secure) throw wrong(secure, 'secure', "true with sameSite 'none'")
  if (absoluteMs < idleMs) throw wrong(absoluteMs, 'absoluteMs', `at least idleMs, which is ${idleMs}`)
  const secrets = [checked.secrets].flat() as unknown as readonly Uint8Array[]
  return { secrets, name, idleMs, absoluteMs, sameSite: sameSites[sameSite], secure, path, domain, isRevoked, clock }
}
