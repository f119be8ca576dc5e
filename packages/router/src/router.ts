import {
  type Checks,
  type Context,
  checkOptions,
  empty,
  GatewayError,
  type Handler,
  isHeard,
  type MaybePromise,
  notFound,
  options,
  problem,
  publish,
  type Reply,
} from '@gatelet/core'
import { hostPattern } from './host.ts'
import { type Mounted, mountedAt, mountedIn } from './mounted.ts'
import type { Pattern } from './pattern.ts'
import { RouteList } from './route-list.ts'
import { type Routes, withVerbs } from './routes.ts'
import type { Match } from './table.ts'

/** A handler that chooses among routes. `S` is the state that must be there already. */
export interface Router<S extends object = {}> extends Routes<S> {
  (ctx: Context<S>): MaybePromise<Reply>
  /**
   * Routes for one host, or for every host below one, as `*.example.com`. They go before routes without a host; what none
   * of them takes is left to those.
   * @throws GatewayError `BAD_OPTION` for what is not a host
   */
  host(pattern: string, define: (routes: Routes<S>) => void): this
}

/** What a router does when no route matches. */
export interface RouterOptions<S extends object = {}> {
  /** Answers when no route has the path. Default: 404, `NOT_FOUND`. */
  notFound?: Handler<S>
}

const checks: Checks<RouterOptions> = { notFound: options.optional(options.fn('a handler (ctx) => Reply')) }

/**
 * Chooses which handler answers, by host, path and method. A trailing slash counts, and so does case.
 *
 * A router is a handler: it stands behind layers, and mounts in other routers. With `define`, the state is inferred from
 * where the router stands. A path without the method is answered 405 with `Allow`; HEAD by the route of GET; OPTIONS by
 * 204 with `Allow`, unless a route takes it; a parameter that is not UTF-8 once decoded, 400.
 * @example
 * chain().use(auth(verify)).to(createRouter((router) => {
 *   router.get('/users/:id', (ctx) => json({ id: ctx.state.params.id, you: ctx.state.principal.subject }))
 * }))
 */
export function createRouter<S extends object = {}>(options?: RouterOptions<S>): Router<S>
export function createRouter<S extends object = {}>(define: (router: Router<S>) => void, options?: RouterOptions<S>): Router<S>
export function createRouter(first?: RouterOptions | ((router: Router) => void), second?: RouterOptions): Router {
  const [define, given] = typeof first === 'function' ? [first, second] : [undefined, first]
  const { notFound: missing = notFound } = checkOptions<RouterOptions>('createRouter', given, checks)
  const routes = new RouteList('strict')
  const handler: Handler = (ctx) => {
    const outer = mountedIn(ctx)
    const match = routes.table.find(ctx.request, outer?.end)
    return match.kind === 'hit' ? match.data(routed(ctx, match, outer)) : refusal(ctx, match, missing)
  }
  const router: Router = withVerbs(Object.assign(handler, { host }), routes)
  function host(pattern: string, define: (routes: Routes) => void): Router {
    checkOptions('router.host', { pattern, define }, hostChecks)
    define(withVerbs({}, routes, pattern))
    return router
  }
  define?.(router)
  return router
}

const hostChecks = { pattern: hostPattern, define: options.fn('a function that adds routes') }

type Hit = Extract<Match<Handler>, { kind: 'hit' }>

/** The context that the handler of a route gets. */
function routed(ctx: Context, { pattern, params: own, end }: Hit, outer: Mounted | undefined): Context {
  const before = outer?.route ?? ''
  const route = before + pattern.text
  const { params: inherited } = ctx.state as { readonly params?: object }
  const params = inherited ? Object.assign(Object.create(null), inherited, own) : own
  const used =
    end === undefined ? undefined : mountedAt({ path: ctx.request.url.path, end, route: before + withoutRest(pattern) })
  const known = ctx.with({ params, route, ...used })
  if (isHeard('request:routed')) publish('request:routed', { context: known, route })
  return known
}

function withoutRest({ text }: Pattern): string {
  return text.slice(0, text.lastIndexOf('/'))
}

function refusal(ctx: Context, match: Exclude<Match<Handler>, Hit>, missing: Handler): MaybePromise<Reply> {
  if (match.kind === 'miss') return missing(ctx)
  if (match.kind === 'malformed') {
    return problem(new GatewayError('BAD_TARGET', { detail: `The path parameter ${match.param} is not UTF-8` }))
  }
  if (match.kind === 'redirect')
    return empty({ status: 308, headers: { location: relativeTo(match.path) + ctx.request.url.search } })
  const headers = { allow: match.allow.join(', ') }
  return ctx.request.method === 'OPTIONS' ? empty({ headers }) : problem(new GatewayError('METHOD_NOT_ALLOWED', { headers }))
}

// Relative to the path that the client asked for: of what a layer or a server in front took off, we know nothing. It begins
// with dots, so that whatever the segment is, it never names another host.
function relativeTo(path: string): string {
  const isLonger = path.endsWith('/')
  const segment = path.slice(path.lastIndexOf('/', isLonger ? path.length - 2 : path.length) + 1)
  return `${isLonger ? '.' : '..'}/${segment}`
}
