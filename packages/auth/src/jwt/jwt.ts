import { GatewayError, type MaybePromise } from '@gatelet/core'
import { bearerTokens, type ProvedToken, type TokenVerdict } from '../bearer-tokens.ts'
import { Binding, type BindingOptions } from '../binding.ts'
import type { Claims } from '../principal.ts'
import type { Verifier } from '../verifier.ts'
import { readCompact } from './compact.ts'
import { type JwtOptions, jwtRules } from './options.ts'
import { TokenVerifier } from './token-verifier.ts'

/** A verifier of tokens. */
export interface JwtVerifier<C extends object = Claims> extends Verifier<C> {
  /** Resolves when there are keys; rejects where the issuer does not give them. To be waited for before the first request, or not at all. */
  ready(): Promise<void>
}

/**
 * Verifies JSON Web Tokens (RFC 7519) in `Authorization: Bearer` (RFC 6750 §2.1), in the strict reading of RFC 8725: issuer, audience
 * and algorithms are pinned, a key serves one algorithm, headers that point to keys are passed over, extensions that nobody knows
 * are refused, and so is whatever can be read in two ways. Tokens that are bound to a key or a certificate (`cnf`) are refused,
 * unless `binding` says how that is proved.
 * @param options of one issuer, or of several: the one that `iss` names is asked, and nobody else
 * @throws GatewayError `BAD_OPTION`
 * @example jwt({ issuer: 'https://id.example.com/', audience: 'https://api.example.com', algorithms: ['RS256'] })
 */
export function jwt<C extends object = Claims>(
  options: JwtOptions<C> | readonly JwtOptions<C>[],
  binding?: BindingOptions,
): JwtVerifier<C> {
  const issuers = verifiersOf(options as JwtOptions<object> | readonly JwtOptions<object>[])
  const verifiers = [...issuers.values()]
  const [{ rules }] = verifiers as [TokenVerifier]
  return {
    ...bearerTokens<C>(
      new Binding('jwt', binding, rules.clock),
      (text) => judged(text, issuers),
      (text) => known(text, verifiers),
    ),
    async ready() {
      await Promise.all(verifiers.map(({ source }) => source.ready()))
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

function known(text: string, verifiers: readonly TokenVerifier[]): ProvedToken | undefined {
  for (const verifier of verifiers) {
    const proved = verifier.known(text)
    if (proved) return proved
  }
  return undefined
}

/** A token's verdict, by the issuer that it names. */
function judged(text: string, issuers: ReadonlyMap<string, TokenVerifier>): MaybePromise<TokenVerdict> {
  const compact = readCompact(text)
  if (!compact) return { kind: 'refused', reason: 'malformed' }
  const verifier = issuers.get(compact.payload['iss'] as string)
  return verifier ? verifier.verify(text, compact) : { kind: 'refused', reason: 'wrong-issuer' }
}
