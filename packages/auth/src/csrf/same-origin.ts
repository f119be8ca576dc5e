import {
  type Checks,
  type Context,
  checkOptions,
  clientCertificateOf,
  GatewayError,
  type IncomingRequest,
  type Middleware,
  options,
  originalOf,
  problem,
} from '@gatelet/core'

/** Which pages may make browsers send requests with what they hold of the user: cookies, passwords, certificates. */
export interface SameOriginOptions {
  /** Origins besides our own: `https://app.example.com`, in lower case, without a default port. 1,000 at most. Default: none. */
  allow?: readonly string[]
  /**
   * What happens to a request that does not say which page has made it. `refuse`: it is refused where it carries something that browsers
   * send by themselves (a cookie, `Basic` and the like, a certificate); `pass`: programs may do without. Default `refuse`.
   */
  missing?: 'refuse' | 'pass'
  /** What clients call this server by, where that is not what requests say: `https://api.example.com`. */
  origin?: string
}

const { list, oneOf, optional, wrong } = options

const origin = (value: unknown, path: string): string => {
  if (typeof value === 'string' && originOf(value) === value) return value
  throw wrong(value, path, 'an origin as browsers write it, such as https://app.example.com')
}

const checks: Checks<SameOriginOptions> = {
  allow: optional(list(origin, { max: 1_000 })),
  missing: optional(oneOf('refuse', 'pass')),
  origin: optional(origin),
}

/**
 * Refuses what a page of another site makes a browser send in the user's name (CSRF, hijacked WebSockets) with 403: requests that are not
 * GET, HEAD or OPTIONS, and all handshakes. Looks at `Sec-Fetch-Site`, which pages cannot write, and else at `Origin` or `Referer`.
 * Nothing that GET does may change anything. Place it in front of `auth`.
 * @throws GatewayError `BAD_OPTION`
 * @example chain().use(sameOrigin({ allow: ['https://app.example.com'] })).use(auth(sessions))
 */
export function sameOrigin(given?: SameOriginOptions): Middleware {
  const { allow = [], missing = 'refuse', origin: own } = checkOptions('sameOrigin', given, checks)
  const allowed = new Set(allow)
  const isRight = (ctx: Context): boolean => {
    const request = originalOf(ctx.request)
    const page = pageOf(request)
    if (page === undefined) return missing === 'pass' || !isAmbient(ctx)
    return page === 'same' || page === (own ?? ownOrigin(request)) || allowed.has(page)
  }
  return function sameOrigin(ctx, next) {
    const { method, kind } = ctx.request
    const isSafe = kind === 'request' && (method === 'GET' || method === 'HEAD' || method === 'OPTIONS')
    return isSafe || isRight(ctx) ? next(ctx) : problem(new GatewayError('ORIGIN_DENIED'))
  }
}

/** Which origin has made a request: `same`: our own, whatever its name; undefined: it does not say; `null`: it hides. */
function pageOf({ headers }: IncomingRequest): string | undefined {
  // `none`: the user, by a bookmark or the like.
  const site = headers.get('sec-fetch-site')
  if (site === 'same-origin' || site === 'none') return 'same'
  const said = headers.get('origin')
  if (said !== undefined) return originOf(said) === said ? said : 'null'
  const referer = headers.get('referer')
  if (referer !== undefined) return originOf(referer) ?? 'null'
  return site === undefined ? undefined : 'null'
}

function ownOrigin({ url: { scheme, host, port } }: IncomingRequest): string {
  return `${scheme}://${host}${port === undefined ? '' : `:${port}`}`
}

function originOf(text: string): string | undefined {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return undefined
  return new URL(text).origin
}

function isAmbient(ctx: Context): boolean {
  const { headers } = ctx.request
  if (headers.has('cookie') || clientCertificateOf(ctx) !== undefined) return true
  const authorization = headers.get('authorization')
  // Those that a script has to add itself.
  return authorization !== undefined && !/^(bearer|dpop) /i.test(authorization)
}
