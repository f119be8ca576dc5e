import { type Checks, checkOptions, type Middleware, options, type ReadonlyHeaders, type RequestUrl } from '@gatelet/core'
import { mountedAt, mountedIn } from '../mounted.ts'
import { hostName } from './host-name.ts'
import { type CheckedPath, checkOnePath, newPathChecks, newPathOf, type PathState } from './new-path.ts'

/** What a request is made to ask for. What is left out stays, and so does the query. */
export interface RewriteOptions<P extends string = string> {
  /**
   * The whole path instead: `/v2/users/:id` is filled with what the route in front captured, percent-encoded anew, so that no
   * value adds a segment. Not together with `prefix`.
   */
  path?: P
  /**
   * What takes the place of the part of the path that the mounted route matched, as far as its rest: behind `/v1/*`, with the
   * prefix `/api`, `/v1/users` becomes `/api/users`; with `/` or nothing, `/users`. Where no route with a rest stands in front,
   * nothing changes.
   */
  prefix?: string
  /** A host name without port, as the request's `Host`. A proxy sends it on where its option `host` is `preserve`. */
  host?: string
}

/**
 * Changes what those behind it are asked for: the `URLRewrite` of the Gateway API, with its rules for slashes at the end of
 * prefixes. Works for handshakes, too. What a client is told (`Location`, cookies) is not rewritten the other way round.
 * @throws GatewayError `BAD_OPTION` at once; at a request, `BAD_TARGET` for a parameter that no path can carry, and
 * `CHANGE_REFUSED` for one that no route has captured
 * @example router.get('/users/:id', rewrite({ path: '/v2/people/:id' }), proxy(people))
 * @example router.mount('/v1', rewrite({ prefix: '/api' }), proxy(backend))
 */
export function rewrite<P extends string = string>(given: RewriteOptions<P>): Middleware<PathState<NoInfer<P>>> {
  const { host, ...to } = checkOptions<Checked>('rewrite', given, checks)
  checkOnePath('rewrite', given)
  return function rewrite(ctx, next) {
    const path = newPathOf(to, ctx)
    const url: Partial<RequestUrl> = {
      ...(path !== undefined && { path }),
      ...(host !== undefined && { host, port: undefined }),
    }
    const asked = ctx.withRequest(host === undefined ? { url } : { url, headers: withHost(ctx.request.headers, host) })
    const mounted = path === undefined ? undefined : mountedIn(ctx)
    // Told anew, for routers behind: nothing of this path is used up yet.
    return next(mounted ? asked.with(mountedAt({ path: asked.request.url.path, end: 0, route: mounted.route })) : asked)
  }
}

interface Checked extends CheckedPath {
  host?: string | undefined
}

const checks: Checks<Checked> = { ...newPathChecks, host: options.optional(hostName) }

// Where there is one: HTTP/2 has another name for it. Whoever reads the field must not read another host than the URL has.
function withHost(headers: ReadonlyHeaders, host: string): ReadonlyHeaders {
  return headers.has('host') ? headers.clone().set('host', host) : headers
}
