import type { Json } from '../strict-json.ts'
import type { JwtRules } from './options.ts'

/**
 * Why the claims of a verified token are not acceptable (RFC 7519 §4.1, RFC 8725 §3, RFC 9068 §4); undefined where they are.
 * @param now milliseconds since 1970
 */
export function claimProblem(claims: Json, rules: JwtRules, now: number): string | undefined {
  const { iss, aud, exp, nbf, iat } = claims
  if (iss !== rules.issuer) return 'wrong-issuer'
  if (!isFor(claims[rules.audienceClaim], rules.audience)) return 'wrong-audience'
  if (aud !== undefined && !isFor(aud, rules.audience)) return 'wrong-audience'
  // It must end some time: one that does not could not be taken back.
  if (!isDate(exp)) return 'bad-expiry'
  if ((nbf !== undefined && !isDate(nbf)) || (iat !== undefined && !isDate(iat))) return 'bad-date'
  if (now >= exp * 1_000 + rules.toleranceMs) return 'expired'
  if (nbf !== undefined && now < nbf * 1_000 - rules.toleranceMs) return 'not-yet-valid'
  if (iat !== undefined && now < iat * 1_000 - rules.toleranceMs) return 'from-the-future'
  if (rules.maxAgeMs !== Number.POSITIVE_INFINITY) {
    if (iat === undefined) return 'no-age'
    if (now >= iat * 1_000 + rules.maxAgeMs + rules.toleranceMs) return 'too-old'
  }
  const subject = claims[rules.subjectClaim]
  return typeof subject === 'string' && subject !== '' ? undefined : 'no-subject'
}

/**
 * From when, and until before when, claims that are acceptable now stay so, in milliseconds since 1970: nothing but time changes what
 * `claimProblem` says of them.
 */
export function goodBetween(
  { exp, nbf, iat }: Json,
  { toleranceMs, maxAgeMs }: JwtRules,
): readonly [from: number, until: number] {
  const at = (date: unknown, otherwise: number) => (typeof date === 'number' ? date * 1_000 : otherwise)
  const from = Math.max(at(nbf, Number.NEGATIVE_INFINITY), at(iat, Number.NEGATIVE_INFINITY)) - toleranceMs
  const until = Math.min(at(exp, 0), at(iat, Number.POSITIVE_INFINITY) + maxAgeMs) + toleranceMs
  return [from, until]
}

function isFor(aud: unknown, accepted: readonly string[]): boolean {
  if (typeof aud === 'string') return accepted.includes(aud)
  return Array.isArray(aud) && aud.every((one) => typeof one === 'string') && aud.some((one: string) => accepted.includes(one))
}

// Seconds since 1970, fractions allowed (RFC 7519 §2); what is beyond has no date.
function isDate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 8_640_000_000_000
}

/** The scopes that a token grants: `scope` (RFC 8693 §4.2: names with spaces between), or `scp` as some issuers write it. */
export function scopesOf({ scope, scp }: Json): readonly string[] {
  const said = scope ?? scp
  if (typeof said === 'string') return said.split(' ').filter((one) => one !== '')
  return Array.isArray(said) ? said.filter((one) => typeof one === 'string') : []
}
