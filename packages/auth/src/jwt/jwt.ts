import { type Context, GatewayError, isPromise, type MaybePromise } from '@gatelet/core'
import { authorizationOf } from '../authorization.ts'
import type { Challenge } from '../challenge.ts'
import type { Claims } from '../principal.ts'
import { absent, type Refused, type Verdict, type Verifier } from '../verifier.ts'
import { readCompact } from './compact.ts'
import { type JwtOptions, jwtRules } from './options.ts'
import { type TokenVerdict, TokenVerifier } from './token-verifier.ts'

/** A verifier of tokens. */
export interface JwtVerifier<C extends object = Claims> extends Verifier<C> {
  /** Resolves when there are keys; rejects where the issuer does not give them. To be waited for before the first request, or not at all. */
  ready(): Promise<void>
}

/**
 * Verifies JSON Web Tokens (RFC 7519) in `Authorization: Bearer` (RFC 6750 §2.1), in the strict reading of RFC 8725: issuer, audience
 * and algorithms are pinned, a key serves one algorithm, headers that point to keys are passed over, extensions that nobody knows
 * are refused, and so is whatever can be read in two ways. Tokens that are bound to a key (RFC 9449, RFC 8705: `cnf`) are refused
 * here, since a bearer proves nothing of it.
 * @param options of one issuer, or of several: the one that `iss` names is asked, and nobody else
 * @throws GatewayError `BAD_OPTION`
 * @example jwt({ issuer: 'https://id.example.com/', audience: 'https://api.example.com', algorithms: ['RS256'] })
 */
export function jwt<C extends object = Claims>(options: JwtOptions<C> | readonly JwtOptions<C>[]): JwtVerifier<C> {
  const issuers = verifiersOf(options as JwtOptions<object> | readonly JwtOptions<object>[])
  return {
    challenges: [bearer],
    verify: (ctx) => verified(ctx, issuers) as MaybePromise<Verdict<C>>,
    async ready() {
      await Promise.all([...issuers.values()].map(({ source }) => source.ready()))
    },
  }
}

function verifiersOf(options: JwtOptions<object> | readonly JwtOptions<object>[]): Map<string, TokenVerifier> {
  const all = Array.isArray(options) ? options : [options]
  const issuers = new Map<string, TokenVerifier>()
  for (const one of all) {
    const rules = jwtRules('jwt', one)
    if (issuers.has(rules.issuer)) {
      throw new GatewayError('BAD_OPTION', { path: 'issuer', message: `jwt: issuer must differ: ${rules.issuer} is there twice` })
    }
    issuers.set(rules.issuer, new TokenVerifier(rules))
  }
  if (issuers.size === 0) throw new GatewayError('BAD_OPTION', { path: 'options', message: 'jwt: options must name an issuer' })
  return issuers
}

const bearer: Challenge = { scheme: 'Bearer', params: {} }

function verified(ctx: Context, issuers: ReadonlyMap<string, TokenVerifier>): MaybePromise<Verdict<object>> {
  const found = authorizationOf(ctx, 'bearer')
  if (found.kind === 'absent') return absent
  if (found.kind === 'malformed' || !isToken68(found.text)) return malformed
  const { text } = found
  for (const verifier of issuers.values()) {
    const known = verifier.known(text)
    if (known) return known
  }
  const compact = readCompact(text)
  if (!compact) return invalid('malformed')
  const verifier = issuers.get(compact.payload['iss'] as string)
  if (!verifier) return invalid('wrong-issuer')
  // RFC 9449 §7.2, RFC 8705 §3: who has stolen it must not get through with it.
  if (compact.payload['cnf'] !== undefined) return invalid('bound-token')
  const verdict = verifier.verify(text, compact)
  return isPromise(verdict) ? verdict.then(answerTo) : answerTo(verdict)
}

// RFC 6750 §2.1.
const isToken68 = (text: string): boolean => /^[A-Za-z0-9\-._~+/]+=*$/.test(text)

const malformed: Refused = {
  kind: 'refused',
  status: 400,
  reason: 'malformed-header',
  challenges: [{ scheme: 'Bearer', params: { error: 'invalid_request' } }],
}

function answerTo(verdict: TokenVerdict): Verdict<object> {
  return verdict.kind === 'refused' ? invalid(verdict.reason) : verdict
}

function invalid(reason: string): Refused {
  const more: Record<string, string> = reason === 'expired' ? { error_description: 'The token has expired' } : {}
  return { kind: 'refused', status: 401, reason, challenges: [{ scheme: 'Bearer', params: { error: 'invalid_token', ...more } }] }
}
