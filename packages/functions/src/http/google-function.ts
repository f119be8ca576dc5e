import {
  type Checks,
  type Clock,
  type Context,
  checkOptions,
  GatewayError,
  isPromise,
  type MaybePromise,
  type Middleware,
  options,
  systemClock,
} from '@gatelet/core'

/** What calls a function of Google Cloud that is not public. */
export interface GoogleFunctionOptions {
  /** Who the token is for: the URL of the function or the Cloud Run service. */
  audience: string
  /**
   * Makes an identity token for the audience, by `google-auth-library`: `(audience) => (await auth.getIdTokenClient(audience))
   * .idTokenProvider.fetchIdToken(audience)`. It is asked again a minute before the token's own end, once for all who wait.
   */
  token: (audience: string) => MaybePromise<string>
  /** Where time comes from. */
  clock?: Clock
}

const checks: Checks<GoogleFunctionOptions> = {
  audience: options.string,
  token: options.fn<(audience: string) => MaybePromise<string>>('a function that makes an identity token'),
  clock: options.optional(options.clock),
}

/**
 * Lets the proxy behind it call a function of Google Cloud: proves who calls by an identity token in
 * `X-Serverless-Authorization`, which leaves the client's own `Authorization` to the function.
 * @throws GatewayError `BAD_OPTION`; `UPSTREAM_CONNECT_FAILED` where there is no token
 * @example chain().use(googleFunction({ audience: url, token })).to(proxy(url))
 */
export function googleFunction(given: GoogleFunctionOptions): Middleware {
  const { audience, token, clock = systemClock } = checkOptions('googleFunction', given, checks)
  const tokens = new Tokens(() => token(audience), clock)
  return (ctx, next) => {
    const known = tokens.get()
    return isPromise(known) ? known.then((value) => next(proving(ctx, value))) : next(proving(ctx, known))
  }
}

const field = 'x-serverless-authorization'

function proving<S extends object>(ctx: Context<S>, token: string): Context<S> {
  return ctx.withRequest({ headers: ctx.request.headers.clone().set(field, `Bearer ${token}`) })
}

const EARLY_MS = 60_000
// For a token that does not say how long it lasts: Google's last an hour.
const UNKNOWN_LIFE_MS = 600_000

/** The token that is known, made again before it ends. */
class Tokens {
  private readonly make: () => MaybePromise<string>
  private readonly clock: Clock
  private known: { readonly token: string; readonly until: number } | undefined
  private coming: Promise<string> | undefined

  constructor(make: () => MaybePromise<string>, clock: Clock) {
    this.make = make
    this.clock = clock
  }

  get(): MaybePromise<string> {
    if (this.known && this.clock.date() < this.known.until) return this.known.token
    this.coming ??= this.made().finally(() => {
      this.coming = undefined
    })
    return this.coming
  }

  private async made(): Promise<string> {
    try {
      const token = await this.make()
      if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw new TypeError('the token is no text')
      this.known = { token, until: endOf(token, this.clock.date()) - EARLY_MS }
      return token
    } catch (cause) {
      throw new GatewayError('UPSTREAM_CONNECT_FAILED', {
        message: 'there is no identity token to call the function with',
        cause,
      })
    }
  }
}

// Ours to present, not to believe: only its end is read.
function endOf(token: string, now: number): number {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    return Number.isFinite(exp) ? exp * 1_000 : now + UNKNOWN_LIFE_MS
  } catch {
    return now + UNKNOWN_LIFE_MS
  }
}
