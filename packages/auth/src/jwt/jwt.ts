import { type Context, GatewayError, isPromise, type MaybePromise } from '@gatelet/core'
import { type Authorization, authorizationOf } from '../authorization.ts'
import type { Claims } from '../principal.ts'
import { absent, type Verdict, type Verifier } from '../verifier.ts'
import { Binding, type BindingOptions } from './binding.ts'
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
  const [{ rules }] = [...issuers.values()] as [TokenVerifier]
  const tokens = new Tokens(issuers, new Binding('jwt', binding, rules.clock))
  return {
    challenges: tokens.binding.challenges,
    verify: (ctx) => tokens.verify(ctx) as MaybePromise<Verdict<C>>,
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

/** Finds the token of a request, whose it is, and whether it is good. */
class Tokens {
  readonly binding: Binding
  private readonly issuers: ReadonlyMap<string, TokenVerifier>

  constructor(issuers: ReadonlyMap<string, TokenVerifier>, binding: Binding) {
    this.issuers = issuers
    this.binding = binding
  }

  verify(ctx: Context): MaybePromise<Verdict<object>> {
    const bearer = authorizationOf(ctx, 'bearer')
    if (bearer.kind !== 'absent' || !this.binding.takesDpop) return this.found(ctx, 'bearer', bearer)
    return this.found(ctx, 'dpop', authorizationOf(ctx, 'dpop'))
  }

  private found(ctx: Context, scheme: 'bearer' | 'dpop', found: Authorization): MaybePromise<Verdict<object>> {
    if (found.kind === 'absent') return absent
    if (found.kind === 'malformed' || !isToken68(found.text))
      return this.binding.refused(scheme, 'malformed-header', 'invalid_request')
    const verdict = this.judged(found.text)
    return isPromise(verdict)
      ? verdict.then((late) => this.bound(ctx, scheme, found.text, late))
      : this.bound(ctx, scheme, found.text, verdict)
  }

  private judged(text: string): MaybePromise<TokenVerdict> {
    for (const verifier of this.issuers.values()) {
      const known = verifier.known(text)
      if (known) return known
    }
    const compact = readCompact(text)
    if (!compact) return { kind: 'refused', reason: 'malformed' }
    const verifier = this.issuers.get(compact.payload['iss'] as string)
    return verifier ? verifier.verify(text, compact) : { kind: 'refused', reason: 'wrong-issuer' }
  }

  private bound(ctx: Context, scheme: 'bearer' | 'dpop', text: string, verdict: TokenVerdict): MaybePromise<Verdict<object>> {
    if (verdict.kind === 'refused') return this.binding.refused(scheme, verdict.reason)
    return verdict.kind === 'proved' ? this.binding.judge(ctx, text, scheme, verdict) : verdict
  }
}

// RFC 6750 §2.1.
const isToken68 = (text: string): boolean => /^[A-Za-z0-9\-._~+/]+=*$/.test(text)
