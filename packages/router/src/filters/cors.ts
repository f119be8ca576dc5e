import {
  amended,
  type Context,
  checkOptions,
  empty,
  GatewayError,
  type Handler,
  type IncomingRequest,
  isPromise,
  type MaybePromise,
  type Middleware,
  options,
  originalOf,
  problem,
  type Reply,
} from '@gatelet/core'
import { CorsHeaders, PREFLIGHT_VARY, withoutCors } from './cors-headers.ts'
import { type AllowOrigin, type CorsOptions, corsChecks } from './cors-options.ts'
import { isOrigin, type OriginSet, originSet } from './cors-origins.ts'
import { addVary } from './vary.ts'

/**
 * Lets pages of other origins read what is answered: the CORS protocol of the Fetch standard, with the rules of the Gateway
 * API's `HTTPCORSFilter`. Preflights are answered 204 here, other requests go on; the header fields are on errors, too. What an
 * upstream says of CORS is replaced. It keeps nobody from asking: see `refuseOthers` and its limits.
 *
 * Place it in front of the router and of authentication: a preflight has no route of its own, and carries no credentials.
 * @throws GatewayError `BAD_OPTION`, also where anybody's page could act as the user
 * @example chain().use(cors({ allowOrigins: ['https://*.example.com'], allowMethods: ['PUT'], allowHeaders: ['content-type'] }))
 */
export function cors<N extends object = {}>(given: CorsOptions<N>): Middleware<N> {
  const policy = new CorsPolicy(checkOptions<CorsOptions>('cors', given, corsChecks))
  return function cors(ctx, next) {
    const origin = policy.allowed(ctx as Context)
    return isPromise(origin) ? origin.then((known) => policy.answer(ctx, next, known)) : policy.answer(ctx, next, origin)
  }
}

class CorsPolicy {
  private readonly origins: OriginSet
  private readonly decide: AllowOrigin | undefined
  private readonly headers: CorsHeaders
  private readonly passPreflights: boolean
  private readonly refuseOthers: boolean

  constructor(given: CorsOptions) {
    const { allowOrigins, passPreflights = false, refuseOthers = false } = given
    this.decide = typeof allowOrigins === 'function' ? allowOrigins : undefined
    this.origins = originSet(typeof allowOrigins === 'function' ? [] : [allowOrigins].flat())
    refuseDangers(given, this.origins)
    this.headers = new CorsHeaders(given)
    this.passPreflights = passPreflights
    this.refuseOthers = refuseOthers
  }

  /** What `Access-Control-Allow-Origin` is to say; undefined for nothing. */
  allowed(ctx: Context): MaybePromise<string | undefined> {
    if (this.origins.isAny) return '*'
    const origin = ctx.request.headers.get('origin')
    if (origin === undefined) return undefined
    if (!this.decide) return this.origins.has(origin) ? origin : undefined
    if (!isOrigin(origin)) return undefined
    const decision = this.decide(origin, ctx)
    return isPromise(decision) ? decision.then((is) => (is ? origin : undefined)) : decision ? origin : undefined
  }

  answer<S extends object>(ctx: Context<S>, next: Handler<S>, origin: string | undefined): MaybePromise<Reply> {
    const { request } = ctx
    const isPreflight = isPreflightRequest(request)
    const finish = (reply: Reply) => this.finish(reply, request, origin, isPreflight)
    if (this.refuseOthers && origin === undefined && isForeign(request)) return finish(problem(new GatewayError('ORIGIN_DENIED')))
    if (isPreflight && !this.passPreflights) return finish(empty())
    return request.kind === 'upgrade' ? next(ctx) : amended(ctx, next, finish)
  }

  private finish(reply: Reply, request: IncomingRequest, origin: string | undefined, isPreflight: boolean): Reply {
    const { headers } = reply
    withoutCors(headers)
    if (origin !== undefined) this.headers.share(headers, origin)
    if (origin !== undefined && isPreflight) this.headers.permit(headers, request.headers)
    // Also where there is no origin, or another one: a cache must not give that reply to a page that may read it.
    if (!this.origins.isAny) addVary(headers, 'Origin')
    if (isPreflight) addVary(headers, ...PREFLIGHT_VARY)
    return reply
  }
}

function refuseDangers({ allowOrigins, allowCredentials, allowPrivateNetwork }: CorsOptions, { isOpen }: OriginSet): void {
  if (!isOpen || !(allowCredentials || allowPrivateNetwork)) return
  const option = allowCredentials ? 'allowCredentials' : 'allowPrivateNetwork'
  const right = `origins that only some can have (not *, https://* or null) with ${option}, or a function`
  const { message } = options.wrong([allowOrigins].flat().join(', '), 'allowOrigins', right)
  throw new GatewayError('BAD_OPTION', { path: 'allowOrigins', message: `cors: ${message}` })
}

// Fetch standard, §3.2.2: what makes it a preflight is that it asks for leave.
const isPreflightRequest = ({ method, headers }: IncomingRequest): boolean =>
  method === 'OPTIONS' && headers.has('origin') && headers.has('access-control-request-method')

/** A page of our own sends its origin too, with every POST. */
function isForeign(request: IncomingRequest): boolean {
  const origin = request.headers.get('origin')
  // What the browser called, whatever a layer in front has made of it.
  const { url } = originalOf(request)
  const own = `${url.scheme}://${url.host}${url.port === undefined ? '' : `:${url.port}`}`
  return origin !== undefined && origin !== own
}
