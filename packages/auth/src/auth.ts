import {
  amended,
  type Checks,
  type Context,
  checkOptions,
  GatewayError,
  type Handler,
  isHeard,
  isPromise,
  type MaybePromise,
  type Middleware,
  options,
  problem,
  publish,
  type Reply,
  withStrictPaths,
} from '@gatelet/core'
import { type Challenge, challengeText, challengeWith } from './challenge.ts'
import type { Denial, Policy } from './policy.ts'
import type { Claims, Principal } from './principal.ts'
import type { Proved, Refused, Unavailable, Verdict, Verifier } from './verifier.ts'

/** How `auth` decides and answers. */
export interface AuthOptions<C extends object = Claims> {
  /** What a principal must be allowed: `scope('read')`, `allOf(…)`, or a function. Default: whoever is proved gets through. */
  require?: Policy<C>
  /**
   * Whether a request without a credential goes on, with `principal` undefined. A credential that is not good is refused all
   * the same. With `require` nobody who is anonymous is asked about. Default false.
   */
  optional?: boolean
  /** Names what is protected, in challenges (RFC 9110 §11.5). Printable ASCII. Default `api`. */
  realm?: string
  /** Where the metadata of the protected resource is (RFC 9728 §5.1): an absolute URL, told in the challenges of Bearer and DPoP. */
  resourceMetadata?: string
}

/** What `auth` adds to the state. */
export interface AuthState<C extends object = Claims> {
  readonly principal: Principal<C>
}

/** What `auth` adds where it lets anonymous requests through. */
export interface OptionalAuthState<C extends object = Claims> {
  readonly principal: Principal<C> | undefined
}

const { boolean, fn, httpUrl, optional, wrong } = options

const checks: Checks<Omit<AuthOptions, 'resourceMetadata'> & { resourceMetadata?: URL }> = {
  require: optional(fn<Policy>('a policy (principal, ctx) => undefined, or why not')),
  optional: optional(boolean),
  realm: optional((value, path) => {
    if (typeof value === 'string' && /^[\x20-\x7e]+$/.test(value)) return value
    throw wrong(value, path, 'a text of printable ASCII')
  }),
  resourceMetadata: optional(httpUrl),
}

/**
 * Lets through who can prove who they are, and puts `principal` into the state. The others are answered here: 401 with a
 * challenge where there is no credential, or none that is good; 400 for one that is malformed; 403 where `require` denies;
 * 503 where it cannot be said now. WebSocket handshakes take the same way. In front of a framework it switches `strictPaths` on.
 * @throws GatewayError `BAD_OPTION`
 * @example chain().use(auth(jwt({ … }), { require: scope('read') })).to(proxy(orders))
 */
export function auth<C extends object>(
  verifier: Verifier<C>,
  options: AuthOptions<C> & { optional: true },
): Middleware<{}, OptionalAuthState<C>>
export function auth<C extends object>(verifier: Verifier<C>, options?: AuthOptions<C>): Middleware<{}, AuthState<C>>
export function auth(verifier: Verifier, given?: AuthOptions): Middleware<{}, OptionalAuthState> {
  const { verifier: checked } = checkOptions('auth', { verifier }, { verifier: verifierCheck })
  const { realm = 'api', resourceMetadata, ...how } = checkOptions('auth', given, checks)
  const guard = new Guard(checked, how, realm, resourceMetadata?.href)
  return withStrictPaths(function auth(ctx: Context, next: Handler) {
    const verdict = checked.verify(ctx)
    return isPromise(verdict) ? verdict.then((late) => guard.answer(ctx, next, late)) : guard.answer(ctx, next, verdict)
  }) as Middleware<{}, OptionalAuthState>
}

const verifierCheck = (value: unknown, path: string): Verifier => {
  const { verify, challenges } = (value ?? {}) as Partial<Verifier>
  if (typeof verify === 'function' && Array.isArray(challenges) && challenges.length > 0) return value as Verifier
  throw wrong(typeof value, path, 'a verifier, such as jwt({ … })')
}

/** What to answer to whom. */
class Guard {
  private readonly challenges: readonly Challenge[]
  private readonly require: Policy | undefined
  private readonly isOptional: boolean
  private readonly realm: string
  private readonly metadata: string | undefined

  constructor(
    verifier: Verifier,
    { require, optional = false }: Pick<AuthOptions, 'require' | 'optional'>,
    realm: string,
    metadata: string | undefined,
  ) {
    this.challenges = verifier.challenges
    this.require = require
    this.isOptional = optional
    this.realm = realm
    this.metadata = metadata
  }

  answer(ctx: Context, next: Handler, verdict: Verdict): MaybePromise<Reply> {
    if (verdict.kind === 'proved') return this.proved(ctx, next, verdict)
    if (verdict.kind === 'absent' && this.isOptional) return next(ctx.with({ principal: undefined }))
    tell(ctx, verdict.kind, verdict.kind === 'absent' ? {} : verdict)
    if (verdict.kind === 'absent') return this.challenged(new GatewayError('UNAUTHENTICATED'), this.challenges)
    return verdict.kind === 'refused' ? this.refused(verdict) : unavailable(verdict)
  }

  private proved(ctx: Context, next: Handler, verdict: Proved): MaybePromise<Reply> {
    const denial = this.require?.(verdict.principal, ctx)
    return isPromise(denial)
      ? denial.then((late) => this.decided(ctx, next, verdict, late))
      : this.decided(ctx, next, verdict, denial)
  }

  private decided(
    ctx: Context,
    next: Handler,
    { principal, replyHeaders, body }: Proved,
    denial: Denial | undefined,
  ): MaybePromise<Reply> {
    if (denial !== undefined) {
      // Some say `null` or `false`, whatever their types promise.
      tell(ctx, 'denied', { reason: denial?.reason, principal })
      return withHeaders(this.denied(denial?.scopes), replyHeaders)
    }
    tell(ctx, 'proved', { principal })
    const proved = ctx.with({ principal })
    const known = body === undefined ? proved : proved.withRequest({ body, headers: ctx.request.headers })
    return replyHeaders ? amended(known, next, (reply) => void withHeaders(reply, replyHeaders)) : next(known)
  }

  private refused({ status, detail, challenges = this.challenges, replyHeaders, reply }: Refused): Reply {
    if (reply) return withHeaders(this.challenging(reply(), challenges), replyHeaders)
    const code = status === 400 ? 'BAD_CREDENTIALS' : status === 401 ? 'UNAUTHENTICATED' : 'FORBIDDEN'
    return withHeaders(this.challenged(new GatewayError(code, detail === undefined ? {} : { detail }), challenges), replyHeaders)
  }

  // RFC 6750 §3.1 names this error for Bearer, RFC 9449 for DPoP; other schemes have nothing to say.
  private denied(scopes: Denial['scopes']): Reply {
    const error = { error: 'insufficient_scope', ...(scopes?.length ? { scope: scopes.join(' ') } : {}) }
    const challenges = this.challenges.filter(isToken).map((challenge) => challengeWith(challenge, error))
    return this.challenged(new GatewayError('FORBIDDEN'), scopes ? challenges : [])
  }

  private challenged(error: GatewayError, challenges: readonly Challenge[]): Reply {
    return this.withChallenges(problem(error), challenges)
  }

  // RFC 9110 §15.5.2: a 401 has one. A reply that would let the request seem to have passed is none.
  private challenging(reply: Reply, challenges: readonly Challenge[]): Reply {
    if (reply.status < 300) throw new GatewayError('BAD_REPLY', { message: `a verifier refused with the status ${reply.status}` })
    const isBare = reply.status === 401 && !reply.headers.has('www-authenticate')
    return isBare ? this.withChallenges(reply, challenges) : reply
  }

  private withChallenges(reply: Reply, challenges: readonly Challenge[]): Reply {
    for (const challenge of challenges) reply.headers.append('www-authenticate', challengeText(this.complete(challenge)))
    return reply
  }

  private complete(challenge: Challenge): Challenge {
    const metadata = this.metadata !== undefined && isToken(challenge) ? { resource_metadata: this.metadata } : {}
    return { scheme: challenge.scheme, params: { realm: this.realm, ...challenge.params, ...metadata } }
  }
}

const isToken = ({ scheme }: Challenge): boolean => scheme === 'Bearer' || scheme === 'DPoP'

function unavailable({ retryAfterMs, reason, cause }: Unavailable): Reply {
  if (cause instanceof GatewayError && cause.side === 'client') return problem(cause)
  const headers = retryAfterMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }
  return problem(new GatewayError('AUTH_UNAVAILABLE', { message: reason, headers, cause }))
}

function withHeaders(reply: Reply, headers: Proved['replyHeaders'] = []): Reply {
  for (const [name, value] of headers) if (!isSetAlready(reply, name, value)) reply.headers.append(name, value)
  return reply
}

// A cookie that the handler has set is newer: one that ends a session must not be followed by one that renews it.
function isSetAlready({ headers }: Reply, name: string, value: string): boolean {
  if (name !== 'set-cookie') return false
  const start = value.slice(0, value.indexOf('=') + 1)
  return headers.getSetCookie().some((cookie) => cookie.startsWith(start))
}

function tell(
  context: Context,
  outcome: 'proved' | 'absent' | 'refused' | 'unavailable' | 'denied',
  { reason, principal, cause }: { readonly reason?: string; readonly principal?: Principal; readonly cause?: unknown },
): void {
  if (!isHeard('auth:decided')) return
  const { scheme, subject } = principal ?? {}
  publish('auth:decided', { context, outcome, reason, scheme, subject, error: cause })
}
