import { createHash } from 'node:crypto'
import { type Clock, checkOptions, type MaybePromise, systemClock } from '@gatelet/core'
import { LRUCache } from 'lru-cache'
import { bearerTokens, type TokenVerdict } from '../bearer-tokens.ts'
import { Binding, type BindingOptions } from '../binding.ts'
import { scopesOf } from '../jwt/claims.ts'
import { fetchJson } from '../keys/fetch-json.ts'
import { principalOf } from '../principal.ts'
import type { Json } from '../strict-json.ts'
import type { Verifier } from '../verifier.ts'
import { type IntrospectionOptions, introspectionChecks } from './options.ts'

/**
 * Verifies tokens that only their issuer can read, by asking it (RFC 7662). Answers are remembered for a short time by the hash of the
 * token, and looked at anew each time: what has ended does not pass because it is remembered. Requests with the same token
 * wait for one question.
 * @throws GatewayError `BAD_OPTION`
 */
export function introspection(given: IntrospectionOptions, binding?: BindingOptions): Verifier {
  const checked = checkOptions('introspection', given, introspectionChecks)
  const tokens = new Introspection(checked)
  return bearerTokens(new Binding('introspection', binding, checked.clock ?? systemClock), (text) => tokens.judge(text))
}

interface Answer {
  /** Undefined: the token is not good. */
  readonly claims: Json | undefined
  /** Until when it is believed, in monotonic milliseconds. */
  readonly until: number
}

class Introspection {
  private readonly options: IntrospectionOptions
  private readonly clock: Clock
  private readonly endpoint: URL
  private readonly audience: readonly string[] | undefined
  private readonly answers: LRUCache<string, Answer>
  private readonly pending = new Map<string, Promise<TokenVerdict>>()

  constructor(options: IntrospectionOptions) {
    const { endpoint, audience, cacheTokens = 10_000, clock = systemClock } = options
    this.options = options
    this.clock = clock
    this.endpoint = new URL(endpoint)
    this.audience = typeof audience === 'string' ? [audience] : audience
    this.answers = new LRUCache({ max: cacheTokens })
  }

  judge(token: string): MaybePromise<TokenVerdict> {
    // Not the token itself: what lies in memory for long may be read there.
    const id = createHash('sha256').update(token, 'latin1').digest('base64')
    const known = this.answers.get(id)
    if (known && this.clock.now() < known.until) return this.verdict(known.claims)
    const pending = this.pending.get(id)
    if (pending !== undefined) return pending
    if (this.pending.size >= (this.options.maxPending ?? 1_000))
      return { kind: 'unavailable', reason: 'too-many-lookups', retryAfterMs: 1_000 }
    const asking = this.ask(token, id).finally(() => this.pending.delete(id))
    this.pending.set(id, asking)
    return asking
  }

  private async ask(token: string, id: string): Promise<TokenVerdict> {
    const {
      clientId,
      clientSecret,
      timeoutMs = 5_000,
      fetch = globalThis.fetch,
      cacheMs = 10_000,
      negativeCacheMs = 2_000,
    } = this.options
    try {
      const credentials = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')
      const answer = await fetchJson(
        this.endpoint,
        {
          method: 'POST',
          headers: { authorization: `Basic ${credentials}`, accept: 'application/json' },
          body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
        },
        { fetch, clock: this.clock, timeoutMs, maxBytes: 65_536 },
      )
      if (typeof answer !== 'object' || answer === null || typeof (answer as Json)['active'] !== 'boolean')
        throw new Error(`${this.endpoint.href} did not say whether the token is active`)
      const claims = (answer as Json)['active'] === true ? (answer as Json) : undefined
      const verdict = this.verdict(claims)
      const ms = verdict.kind === 'proved' ? cacheMs : negativeCacheMs
      if (ms > 0) this.answers.set(id, { claims, until: this.clock.now() + ms })
      return verdict
    } catch (cause) {
      return { kind: 'unavailable', reason: 'no-introspection', cause }
    }
  }

  private verdict(claims: Json | undefined): TokenVerdict {
    if (!claims) return refused('inactive')
    const problem = this.problem(claims)
    if (problem !== undefined) return refused(problem)
    const { iss, exp } = claims
    const principal = principalOf<object>({
      subject: this.subjectOf(claims) as string,
      scheme: 'bearer',
      issuer: typeof iss === 'string' ? iss : undefined,
      scopes: scopesOf(claims),
      roles: this.options.roles?.(claims) ?? [],
      claims,
      expiresAt: typeof exp === 'number' ? exp * 1_000 : undefined,
    })
    return { kind: 'proved', principal, claims }
  }

  private problem(claims: Json): string | undefined {
    const { iss, aud, exp, nbf } = claims
    const now = this.clock.date()
    if (exp !== undefined && !(typeof exp === 'number' && now < exp * 1_000)) return 'expired'
    if (nbf !== undefined && !(typeof nbf === 'number' && now >= nbf * 1_000)) return 'not-yet-valid'
    if (this.options.issuer !== undefined && iss !== undefined && iss !== this.options.issuer) return 'wrong-issuer'
    if (this.audience && !(Array.isArray(aud) ? aud : [aud]).some((one) => this.audience?.includes(one as string)))
      return 'wrong-audience'
    return this.subjectOf(claims) === undefined ? 'no-subject' : undefined
  }

  private subjectOf(claims: Json): string | undefined {
    const { subjectClaim } = this.options
    const subject = subjectClaim === undefined ? (claims['sub'] ?? claims['client_id']) : claims[subjectClaim]
    return typeof subject === 'string' && subject !== '' ? subject : undefined
  }
}

const refused = (reason: string): TokenVerdict => ({ kind: 'refused', reason })
