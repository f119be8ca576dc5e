import { type Checks, type Context, checkOptions, GatewayError, type MaybePromise, options } from '@gatelet/core'
import { authorizationOf } from '../authorization.ts'
import { isSameHash, keyedHash } from '../digest.ts'
import { lookedUp } from '../looked-up.ts'
import { type PrincipalInit, principalOf } from '../principal.ts'
import { absent, type Refused, type Verdict, type Verifier } from '../verifier.ts'

/** Who has a user's name, and by what their password is known. */
export interface BasicOptions {
  /**
   * What is kept of a password: the user's own function makes it of a password again, and says whether it is the same. It is
   * asked for unknown users too, with `undefined`, and should take as long (scrypt or argon2 of a made-up hash). At most 72
   * bytes of a password are worth anything to bcrypt: prefer the two.
   * @returns who it is, `undefined` where the password is not right. Throws or rejects where that cannot be said: 503
   */
  check: (user: string, password: string) => MaybePromise<Omit<PrincipalInit, 'scheme'> | undefined>
}

const checks: Checks<BasicOptions> = {
  check: options.fn<BasicOptions['check']>('a function (user, password) => who it is, or undefined'),
}

/**
 * Verifies names and passwords in `Authorization: Basic` (RFC 7617), in UTF-8. The first colon ends the name. Each request is checked
 * anew: a hash that is good is slow, so put a rate limit in front, and prefer tokens for programs.
 * @throws GatewayError `BAD_OPTION`
 */
export function basic(given: BasicOptions): Verifier {
  const { check } = checkOptions('basic', given, checks)
  return {
    challenges: [{ scheme: 'Basic', params: { charset: 'UTF-8' } }],
    verify(ctx) {
      const credentials = credentialsOf(ctx)
      if (credentials.kind !== 'credentials') return credentials
      return lookedUp(() => check(credentials.user, credentials.password), judged)
    },
  }
}

/**
 * A `check` for the few users that stand in a configuration: their passwords in the clear, compared by keyed hashes in constant
 * time, with the same work for a name that is not there.
 * @throws GatewayError `BAD_OPTION` for a password that is empty, such as that of a variable which nobody has set
 * @example basic({ check: fixedUsers({ prometheus: process.env.METRICS_PASSWORD }) })
 */
export function fixedUsers(passwords: Readonly<Record<string, string>>): BasicOptions['check'] {
  for (const [user, password] of Object.entries(passwords)) checkPassword(user, password)
  const key = crypto.getRandomValues(new Uint8Array(32))
  const users = new Map(Object.entries(passwords).map(([user, password]) => [user, keyedHash(key, password)]))
  return (user, password) => (isSameHash(keyedHash(key, password), users.get(user)) ? { subject: user } : undefined)
}

function checkPassword(user: string, password: unknown): void {
  if (typeof password === 'string' && password !== '') return
  throw new GatewayError('BAD_OPTION', { path: user, message: `fixedUsers: ${user} must have a password that is not empty` })
}

/**
 * The name that a request claims, proved or not: to count failed log-ins by it.
 * @returns undefined without `Authorization: Basic`, and for one that is malformed
 * @example rateLimit({ limit: 10, per: '5m', key: claimedUser, refund: (status) => status !== 401 })
 */
export function claimedUser(ctx: Context): string | undefined {
  const credentials = credentialsOf(ctx)
  return credentials.kind === 'credentials' ? credentials.user : undefined
}

interface Credentials {
  readonly kind: 'credentials'
  readonly user: string
  readonly password: string
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function credentialsOf(ctx: Context): Credentials | typeof absent | Refused {
  const found = authorizationOf(ctx, 'basic')
  if (found.kind === 'absent') return absent
  if (found.kind === 'malformed' || found.text.length > MAX_LENGTH) return malformed
  const bytes = Buffer.from(found.text, 'base64')
  // Node's decoder passes over what it does not know: only the way back shows it. Padding may be left out.
  if (bytes.toString('base64').replace(/=+$/, '') !== found.text.replace(/=+$/, '')) return malformed
  try {
    const text = decoder.decode(bytes)
    const colon = text.indexOf(':')
    if (colon < 0 || /\p{Cc}/u.test(text)) return malformed
    return { kind: 'credentials', user: text.slice(0, colon), password: text.slice(colon + 1) }
  } catch {
    return malformed
  }
}

const MAX_LENGTH = 4_096

const judged = (found: Omit<PrincipalInit, 'scheme'> | undefined): Verdict =>
  found ? { kind: 'proved', principal: principalOf({ ...found, scheme: 'basic' }) } : wrong

const malformed: Refused = { kind: 'refused', status: 400, reason: 'malformed-header' }
const wrong: Refused = { kind: 'refused', status: 401, reason: 'wrong-password' }
