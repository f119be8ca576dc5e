import {
  type Checks,
  type Context,
  checkOptions,
  empty,
  GatewayError,
  type Handler,
  type MaybePromise,
  options,
  problem,
  type Reply,
  type RequestUrl,
} from '@gatelet/core'
import { hostName } from './host-name.ts'
import { mistake } from './mistake.ts'
import { type CheckedPath, checkOnePath, newPathChecks, newPathOf, type PathState } from './new-path.ts'

/** Where clients are sent. What is left out stays as it was asked for, and so does the query. */
export interface RedirectOptions<P extends string = string> {
  /**
   * 301 and 308 are for ever, and remembered by browsers; 302, 303 and 307 are for now. 307 and 308 keep the method, 303 makes it
   * GET, and after 301 and 302 a POST usually becomes one (RFC 9110 §15.4). Default 302.
   */
  status?: 301 | 302 | 303 | 307 | 308
  scheme?: 'http' | 'https'
  /** A host name without port. */
  host?: string
  /** 1 to 65,535. Default: where a scheme is given, the usual one of it; else that of the request. The usual one is not written. */
  port?: number
  /** The whole path, as `/v2/users/:id`, filled with what the route in front captured, percent-encoded anew. Not together with `prefix`. */
  path?: P
  /** What takes the place of the part of the path that the mounted route matched, as far as its rest: as in `rewrite`. */
  prefix?: string
}

/** A handler; and a layer, which lets requests pass that are as they should be already. */
export interface Redirect<N extends object = {}> {
  (ctx: Context<N>): Reply
  <S extends N>(ctx: Context<S>, next: Handler<S>): MaybePromise<Reply>
}

/**
 * Sends clients elsewhere: the `RequestRedirect` of the Gateway API. `Location` is made of the canonical URL that routes matched,
 * never of the raw target, and never begins with `//`, so that no path leads to another host than the options say.
 * @throws GatewayError `BAD_OPTION` at once; at a request, `BAD_TARGET` for a parameter that no path can carry, and
 * `CHANGE_REFUSED` for one that no route has captured and, as a handler, for a redirect that leads to itself
 * @example router.get('/people/:id', redirect({ path: '/users/:id', status: 308 }))
 * @example chain().use(redirect({ scheme: 'https', status: 308 })).to(router)
 */
export function redirect<P extends string = string>(given: RedirectOptions<P>): Redirect<PathState<NoInfer<P>>> {
  const to = checkOptions<Checked>('redirect', given, checks)
  checkOnePath('redirect', given)
  if (Object.keys(to).every((name) => name === 'status'))
    throw mistake('redirect', given, '', 'an object that says where to: scheme, host, port, path or prefix')
  const { scheme, host, port, status = 302 } = to
  const isElsewhere = scheme !== undefined || host !== undefined || port !== undefined
  return function redirect(ctx: Context, next?: Handler): MaybePromise<Reply> {
    const { url } = ctx.request
    const path = newPathOf(to, ctx)
    if (next && isThere(to, url, path)) return next(ctx)
    const place = placeOf(to, url, path ?? url.path)
    if (isSame(place, url)) throw leadsBack(url)
    if (isElsewhere && place.host === '') return problem(new GatewayError('BAD_HOST', { detail: 'There is no Host header' }))
    return empty({ status, headers: { location: isElsewhere ? absolute(place) : relative(place) } })
  } as Redirect<PathState<P>>
}

interface Checked extends CheckedPath {
  status?: 301 | 302 | 303 | 307 | 308 | undefined
  scheme?: 'http' | 'https' | undefined
  host?: string | undefined
  port?: number | undefined
}

const checks: Checks<Checked> = {
  ...newPathChecks,
  status: options.optional(options.oneOf(301, 302, 303, 307, 308)),
  scheme: options.optional(options.oneOf('http', 'https')),
  host: options.optional(hostName),
  port: options.optional(options.number({ min: 1, max: 65_535, integer: true })),
}

const usualPort = (scheme: 'http' | 'https') => (scheme === 'https' ? 443 : 80)

/** Whether all that the options say is so already. */
function isThere({ scheme, host, port }: Checked, url: RequestUrl, path: string | undefined): boolean {
  if (scheme !== undefined && scheme !== url.scheme) return false
  if (host !== undefined && host !== url.host) return false
  if (port !== undefined && port !== (url.port ?? usualPort(url.scheme))) return false
  return path === undefined || path === url.path
}

function placeOf(to: Checked, url: RequestUrl, path: string): RequestUrl {
  const scheme = to.scheme ?? url.scheme
  const port = to.port ?? (to.scheme === undefined ? url.port : undefined)
  return { scheme, host: to.host ?? url.host, port: port === usualPort(scheme) ? undefined : port, path, search: url.search }
}

function isSame(place: RequestUrl, url: RequestUrl): boolean {
  return place.scheme === url.scheme && place.host === url.host && place.port === url.port && place.path === url.path
}

// Better said than sent: the client would go round until it has had enough.
function leadsBack({ path }: RequestUrl): GatewayError {
  return new GatewayError('CHANGE_REFUSED', { message: `A redirect leads from ${path} to where the client is already` })
}

function absolute({ scheme, host, port, path, search }: RequestUrl): string {
  return `${scheme}://${host}${port === undefined ? '' : `:${port}`}${path}${search}`
}

// By itself, `//name` would be the name of another host (RFC 3986 §4.2).
function relative({ path, search }: RequestUrl): string {
  return (path.startsWith('//') ? `/.${path}` : path) + search
}
