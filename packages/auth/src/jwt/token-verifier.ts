import { isPromise, type MaybePromise } from '@gatelet/core'
import { LRUCache } from 'lru-cache'
import type { ProvedToken, TokenVerdict } from '../bearer-tokens.ts'
import { discovered } from '../keys/discovery.ts'
import type { Algorithm } from '../keys/fit.ts'
import { KeySet } from '../keys/key-set.ts'
import { type Found, fixedKeys, type KeySource } from '../keys/key-source.ts'
import { type KeyRules, RemoteKeys } from '../keys/remote-keys.ts'
import { principalOf } from '../principal.ts'
import type { Json } from '../strict-json.ts'
import { claimProblem, goodBetween, scopesOf } from './claims.ts'
import type { Compact } from './compact.ts'
import type { JwtRules } from './options.ts'
import { isSigned } from './signature.ts'

interface Kept {
  readonly token: string
  readonly verdict: ProvedToken
  readonly generation: number | undefined
  /** When its claims are good, in milliseconds since 1970. */
  readonly from: number
  readonly until: number
}

/** Verifies the tokens of one issuer, and remembers those that were good until they end or the issuer's keys become others. */
export class TokenVerifier {
  readonly rules: JwtRules
  readonly source: KeySource
  /** By the end of the token, where its signature is. */
  private readonly kept: LRUCache<string, Kept> | undefined

  constructor(rules: JwtRules) {
    this.rules = rules
    this.source = sourceOf(rules)
    if (rules.cacheTokens > 0) {
      this.kept = new LRUCache({
        max: rules.cacheTokens,
        maxSize: MAX_KEPT,
        sizeCalculation: ({ token }) => token.length + OVERHEAD,
      })
    }
  }

  /** A token that was seen before and is still good. Its dates are looked at each time. */
  known(token: string): ProvedToken | undefined {
    const kept = this.kept?.get(endOf(token))
    // Letter by letter: the end alone proves nothing.
    if (!kept || kept.token !== token) return undefined
    const generation = this.source.generation()
    if (generation === undefined || kept.generation !== generation) return undefined
    const now = this.rules.clock.date()
    return now >= kept.from && now < kept.until ? kept.verdict : undefined
  }

  verify(token: string, compact: Compact): MaybePromise<TokenVerdict> {
    const { alg, kid } = compact.header
    const problem = headerProblem(compact.header, this.rules)
    if (problem !== undefined) return { kind: 'refused', reason: problem }
    const found = this.source.find(kid as string | undefined, alg as Algorithm)
    return isPromise(found) ? found.then((late) => this.verifyWith(late, token, compact)) : this.verifyWith(found, token, compact)
  }

  private verifyWith(found: Found, token: string, { payload: claims, signature }: Compact): MaybePromise<TokenVerdict> {
    if (found.kind === 'none') return { kind: 'refused', reason: 'unknown-key' }
    if (found.kind === 'unavailable') return { ...found, reason: 'no-keys' }
    // Those that are there now: other keys may come while the signature is looked at.
    const generation = this.source.generation()
    return isSigned(token, signature, found.keys).then((signed) => {
      if (!signed) return refused('bad-signature')
      const problem = claimProblem(claims, this.rules, this.rules.clock.date())
      if (problem !== undefined) return refused(problem)
      const own = this.rules.claims(claims)
      return isPromise(own)
        ? own.then((late) => this.proved(token, generation, claims, late))
        : this.proved(token, generation, claims, own)
    })
  }

  private proved(token: string, generation: number | undefined, claims: Json, own: object | undefined): TokenVerdict {
    // `null` and `false` as well, whatever their types promise.
    if (typeof own !== 'object' || own === null) return refused('claims')
    const { rules } = this
    const principal = principalOf<object>({
      subject: claims[rules.subjectClaim] as string,
      scheme: 'bearer',
      issuer: rules.issuer,
      scopes: scopesOf(claims),
      roles: rules.roles(claims),
      claims: own,
      expiresAt: (claims['exp'] as number) * 1_000,
    })
    const verdict: ProvedToken = { kind: 'proved', principal, claims }
    const [from, until] = goodBetween(claims, rules)
    this.kept?.set(endOf(token), { token, verdict, generation, from, until })
    return verdict
  }
}

const refused = (reason: string): TokenVerdict => ({ kind: 'refused', reason })

// Two signatures do not end alike. To hash a whole token takes as long as all the rest of a look-up.
const endOf = (token: string): string => token.slice(-32)

const MAX_KEPT = 16 * 1_048_576
// What an entry takes beside the token itself: the claims, the principal, two sets.
const OVERHEAD = 1_000

function sourceOf({ issuer, keys, fetching, clock }: JwtRules): KeySource {
  if (Array.isArray(keys)) return fixedKeys(new KeySet(keys))
  const rules: KeyRules = { ...fetching, clock, maxBytes: 1_048_576 }
  const locate = keys instanceof URL ? async () => keys : async () => (await discovered(issuer, rules)).jwksUri
  return new RemoteKeys(locate, rules)
}

/** Why a token is refused before its signature is looked at. `jku`, `x5u`, `jwk` and `x5c` are passed over (RFC 8725 §3.10). */
function headerProblem(header: Json, { algorithms, type }: JwtRules): string | undefined {
  const { alg, kid, typ, crit, b64 } = header
  if (!algorithms.includes(alg as Algorithm)) return 'wrong-algorithm'
  // There is no extension that is understood here (RFC 7515 §4.1.11).
  if (crit !== undefined || b64 !== undefined) return 'unknown-extension'
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID)) return 'bad-key-id'
  return isOfType(typ, type) ? undefined : 'wrong-type'
}

const MAX_KID = 512

function isOfType(typ: unknown, wanted: JwtRules['type']): boolean {
  if (typ === undefined) return wanted === 'any'
  if (typeof typ !== 'string') return false
  // RFC 7515 §4.1.9: a media type, in any case, whose `application/` may be left out.
  const short = typ.toLowerCase().replace(/^application\//, '')
  return short === 'at+jwt' || (wanted === 'any' && short === 'jwt')
}
