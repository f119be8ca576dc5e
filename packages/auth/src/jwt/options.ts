import {
  type Check,
  type Checks,
  type Clock,
  checkOptions,
  GatewayError,
  isPromise,
  type MaybePromise,
  options,
  type SchemaResult,
  type StandardSchema,
  schemaCheck,
  systemClock,
} from '@gatelet/core'
import type { JWK } from 'jose'
import type { Fetch } from '../keys/fetch-json.ts'
import { type Algorithm, algorithms, fits, isSymmetric } from '../keys/fit.ts'
import type { Claims } from '../principal.ts'

/** Whom to believe, and what a token of theirs must say. */
export interface JwtOptions<C extends object = Claims> {
  /**
   * Who signs the tokens: exactly what stands in `iss`. Where no `keys` are given, the URL at which it tells where they are
   * (OpenID Connect Discovery, RFC 8414).
   */
  issuer: string
  /** Who the tokens must be for: one of these must be in `aud`, or in what `audienceClaim` names. */
  audience: string | readonly string[]
  /**
   * The claim that says it, for issuers whose access tokens have no `aud`: `client_id` for Amazon Cognito. That names who has asked for the
   * token, not whom it is for: every service that takes the same client takes the same tokens. A token that has an `aud` as well must be for
   * one of `audience` there, too (RFC 7519 §4.1.3). Default `aud`.
   */
  audienceClaim?: string
  /** Which algorithms are taken, whatever a token says (RFC 8725 §3.1). `HS…` only with keys that are given, and alone. */
  algorithms: readonly Algorithm[]
  /**
   * The issuer's keys: the URL of its key set (RFC 7517 §5), the keys themselves, or a secret for `HS…`, of at least as many
   * bits as its hash. Default: where the issuer says.
   */
  keys?: string | readonly JWK[] | Uint8Array
  /**
   * What `typ` must be. `at+jwt`: an access token after RFC 9068. `any`: that, `JWT` or nothing: an identity token that was
   * signed for the same audience then passes as well. Default `any`, since most issuers write no `at+jwt`.
   */
  type?: 'at+jwt' | 'any'
  /** By how much the clocks may differ, in milliseconds, 0 to 300,000. Default 5,000. */
  toleranceMs?: number
  /** How long after `iat` a token is taken at most, in milliseconds, at least 1,000. Default: as long as it says itself. */
  maxAgeMs?: number
  /** The claim that is the principal's `subject`. Default `sub`. */
  subjectClaim?: string
  /** What the principal's roles are, from the claims. Default: `roles`, if it is a list of texts. */
  roles?: (claims: Claims) => Iterable<string>
  /**
   * Checks the claims further, and gives them a type: a schema of zod, valibot, arktype or another library with Standard Schema v1, whose
   * output the principal's claims are; or a function, which returns undefined for what is not acceptable. Others stay as they are.
   */
  claims?: StandardSchema<unknown, C> | ((claims: Claims) => C | undefined)
  /** How the issuer is asked for its keys. */
  fetching?: KeyFetchOptions
  /** Verified tokens that are remembered, 0 to 1,000,000; at most 16 MiB of them. 0: none. Default 10,000. */
  cacheTokens?: number
  clock?: Clock
}

/** How keys are fetched from an issuer. */
export interface KeyFetchOptions {
  /** For each request to it, in milliseconds. Default 5,000. */
  timeoutMs?: number
  /** Keys of this age are fetched anew in the background, in milliseconds. Default 600,000. */
  maxAgeMs?: number
  /** How much longer they are good while the issuer does not answer, in milliseconds. Then tokens are answered 503. Default 3,600,000. */
  maxStaleMs?: number
  /** The least time between two requests to it, in milliseconds. Default 30,000. */
  cooldownMs?: number
  /** In place of Node's own `fetch`: for a proxy, or certificates of one's own. */
  fetch?: Fetch
}

/** `JwtOptions`, checked, with every default filled in. */
export interface JwtRules {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly audienceClaim: string
  readonly algorithms: readonly Algorithm[]
  readonly keys: URL | readonly JWK[] | undefined
  readonly type: 'at+jwt' | 'any'
  readonly toleranceMs: number
  readonly maxAgeMs: number
  readonly subjectClaim: string
  readonly roles: (claims: Claims) => Iterable<string>
  /** @returns undefined for what is not acceptable */
  readonly claims: (claims: Claims) => MaybePromise<object | undefined>
  readonly fetching: Readonly<Required<KeyFetchOptions>>
  readonly cacheTokens: number
  readonly clock: Clock
}

/** @throws GatewayError `BAD_OPTION` */
export function jwtRules(owner: string, given: JwtOptions<object>): JwtRules {
  const checked = checkOptions(owner, given, checks)
  const { audience, keys: written, fetching = {}, claims, ...rest } = checked
  const keys = keysOf(owner, checked.issuer, checked.algorithms, written as JwtOptions['keys'])
  return {
    type: 'any',
    toleranceMs: 5_000,
    maxAgeMs: Number.POSITIVE_INFINITY,
    audienceClaim: 'aud',
    subjectClaim: 'sub',
    roles: rolesOf,
    claims: claimsBy(claims),
    cacheTokens: 10_000,
    clock: systemClock,
    ...rest,
    keys,
    audience: typeof audience === 'string' ? [audience] : audience,
    fetching: {
      timeoutMs: 5_000,
      maxAgeMs: 600_000,
      maxStaleMs: 3_600_000,
      cooldownMs: 30_000,
      fetch: globalThis.fetch,
      ...fetching,
    },
  }
}

const { anything, either, fn, list, milliseconds, number, oneOf, optional, shape, string } = options

const fetchingChecks: Checks<KeyFetchOptions> = {
  timeoutMs: optional(milliseconds()),
  maxAgeMs: optional(milliseconds()),
  maxStaleMs: optional(milliseconds(0)),
  cooldownMs: optional(milliseconds(0)),
  fetch: optional(fn<Fetch>('a function such as fetch')),
}

const checks: Checks<JwtOptions<object>> = {
  issuer: string,
  audience: either('an audience or a list of them', string, list(string, { min: 1, max: 100 })),
  audienceClaim: optional(string),
  algorithms: list(oneOf(...algorithms), { min: 1, max: algorithms.length }),
  keys: anything as Check<JwtOptions['keys']>,
  type: optional(oneOf('at+jwt', 'any')),
  toleranceMs: optional(number({ min: 0, max: 300_000, unit: 'ms' })),
  maxAgeMs: optional(milliseconds(1_000)),
  subjectClaim: optional(string),
  roles: optional(fn<(claims: Claims) => Iterable<string>>('a function of the claims')),
  claims: optional(
    either(
      'a schema with Standard Schema v1, or a function of the claims',
      schemaCheck,
      fn<(claims: Claims) => object | undefined>(),
    ),
  ) as Check<JwtOptions<object>['claims']>,
  fetching: optional(shape(fetchingChecks)),
  cacheTokens: optional(number({ min: 0, max: 1_000_000, integer: true })),
  clock: optional(options.clock),
}

function keysOf(owner: string, issuer: string, allowed: readonly Algorithm[], keys: JwtOptions['keys']): JwtRules['keys'] {
  const shared = allowed.some(isSymmetric)
  // A public key that is taken for a secret is known to everybody.
  if (shared && !allowed.every(isSymmetric)) throw bad(owner, 'algorithms', 'only HS…, or only others', allowed)
  if (keys instanceof Uint8Array) return given(owner, [{ kty: 'oct', k: Buffer.from(keys).toString('base64url') }], allowed)
  if (Array.isArray(keys)) return given(owner, keys as readonly JWK[], allowed)
  if (shared) throw bad(owner, 'keys', 'a secret for HS…: a Uint8Array, or JWKs of kty oct', typeof keys)
  if (keys === undefined) {
    if (!isSafe(issuer)) throw bad(owner, 'issuer', 'an https URL where no keys are given, since it is asked for them', issuer)
    return undefined
  }
  if (typeof keys === 'string' && isSafe(keys)) return new URL(keys)
  throw bad(owner, 'keys', 'an https URL, a list of JWKs or, for HS…, a secret as Uint8Array', keys)
}

function given(owner: string, keys: readonly JWK[], allowed: readonly Algorithm[]): readonly JWK[] {
  const isKey = (jwk: JWK) => typeof jwk === 'object' && jwk !== null && allowed.some((algorithm) => fits(jwk, algorithm))
  const at = keys.length === 0 ? 0 : keys.findIndex((jwk) => !isKey(jwk))
  if (at < 0) return keys
  const expected = `a key for ${allowed.join(' or ')}: public, large enough, and not marked for another use`
  throw bad(owner, `keys[${at}]`, expected, keys[at]?.kty)
}

/** Keys that came over a line that anybody can write on prove nothing. On this machine there is no such line. */
export function isSafe(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname))
}

/** @param value never a key: it may be a secret */
function bad(owner: string, path: string, expected: string, value: unknown): GatewayError {
  const { message } = options.wrong(value, path, expected)
  return new GatewayError('BAD_OPTION', { path, message: `${owner}: ${message}` })
}

function rolesOf({ roles }: Claims): readonly string[] {
  return Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : []
}

function claimsBy(claims: JwtOptions<object>['claims']): JwtRules['claims'] {
  if (!claims) return (all) => all
  if (!('~standard' in claims)) return claims
  const { validate } = claims['~standard']
  return (all) => {
    const result = validate(all)
    return isPromise(result) ? result.then(outputOf) : outputOf(result)
  }
}

const outputOf = (result: SchemaResult<object>): object | undefined => (result.issues ? undefined : result.value)
