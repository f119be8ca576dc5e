import {
  amended,
  atOnce,
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
  withStrictPaths,
} from '@gatelet/core'
import { addVary } from './filters/vary.ts'
import { list } from './listed.ts'
import type { Conflict } from './match/conflicts.ts'
import type { Explanation } from './match/explain.ts'
import { counted, maxForwards } from './max-forwards.ts'
import { type Mounted, mountedAt, mountedIn } from './mounted.ts'
import type { Pattern } from './pattern.ts'
import { type TrailingSlash, trailingSlash } from './route.ts'
import { type RouteChanges, RouteList } from './route-list.ts'
import { type HostRoutes, withRoutes } from './routes.ts'
import type { Match, RouteRequest, RouteTable } from './table.ts'
import { isUsual } from './usual-methods.ts'

/** A handler that chooses among routes. `S` is the state that must be there already. */
export interface Router<S extends object = {}> extends HostRoutes<S> {
  (ctx: Context<S>): MaybePromise<Reply>
  /**
   * Puts other routes in the place of all there are, whole or not at all: what `define` adds is checked and built first, and
   * when something is wrong, or `define` throws, everything stays as it was. Requests that came before end as they began.
   * @returns which routes are new, gone, or have another handler, another layer or other names of parameters
   * @throws GatewayError `BAD_OPTION`, and what `define` throws
   * @example router.replace((routes) => void routes.get('/users/:id', showUser).mount('/v2', proxy(next)))
   */
  replace(define: (routes: HostRoutes<S>) => void): RouteChanges
  /**
   * Why a request goes where it goes: see `RouteTable.explain`. Of routers that are mounted it says nothing.
   * @param tenant what the option `tenant` would say of the request
   */
  explain(request: RouteRequest, tenant?: string): Explanation
  /** Routes that overlap or never answer: see `RouteTable.conflicts`. */
  conflicts(): readonly Conflict[]
}

/** What a router does beyond its routes. */
export interface RouterOptions<S extends object = {}> {
  /** Answers when no route has the path. Default: 404, `NOT_FOUND`. */
  notFound?: Handler<S>
  /** Whether a slash at the end of a path counts, for routes that do not say. Default: `'strict'`, it does. */
  trailingSlash?: TrailingSlash
  /** Whether routes that conflict are refused when they are added: see `RouteTable.conflicts`. Default: false. */
  strict?: boolean
  /**
   * Whose request it is, for routes that name their `tenant`; undefined: of none of them. Asked once for a request, and only
   * when there are such routes. It decides who sees what: take it from a verified principal or from the host, not from a header
   * that the client writes.
   */
  tenant?: (ctx: Context<S>) => string | undefined
}

const checks: Checks<RouterOptions> = {
  notFound: options.optional(options.fn('a handler (ctx) => Reply')),
  trailingSlash: options.optional(trailingSlash),
  strict: options.optional(options.boolean),
  tenant: options.optional(options.fn('a function (ctx) => the name of a tenant')),
}

/**
 * Chooses which handler answers, by host, path, tenant, method, headers and query. A trailing slash counts unless told
 * otherwise, and so does case.
 *
 * A router is a handler: it stands behind layers, and mounts in other routers. With `define`, the state is inferred from
 * where the router stands. A path without the method is answered 405 with `Allow`, a method that no route and no standard
 * names 501; HEAD by the route of GET; OPTIONS by 204 with `Allow`, unless a route takes it; a parameter that is not UTF-8
 * once decoded, 400. Where routes ask about headers, `Vary` names these, on errors too. `Max-Forwards` of OPTIONS and TRACE is
 * counted down, and at 0 the router answers (RFC 9110 §7.6.2).
 * @example
 * chain().use(auth(verify)).to(createRouter((router) => {
 *   router.get('/users/:id', (ctx) => json({ id: ctx.state.params.id, you: ctx.state.principal.subject }))
 * }))
 */
export function createRouter<S extends object = {}>(options?: RouterOptions<S>): Router<S>
export function createRouter<S extends object = {}>(define: (router: Router<S>) => void, options?: RouterOptions<S>): Router<S>
export function createRouter(first?: RouterOptions | ((router: Router) => void), second?: RouterOptions): Router {
  const [define, given] = typeof first === 'function' ? [first, second] : [undefined, first]
  const checked = checkOptions<RouterOptions>('createRouter', given, checks)
  const { tenant: tenantOf } = checked
  const routes = new RouteList(checked)
  const handler: Handler = (ctx) => {
    const outer = mountedIn(ctx)
    // The one table of this request, whatever is added or replaced meanwhile.
    const { table } = routes
    const tenant = table.hasTenants && tenantOf ? atOnce(tenantOf(ctx), 'tenant') : undefined
    const match = table.find(ctx.request, outer?.end, tenant)
    const look: Look = { match, table, outer, tenant, missing: checked.notFound }
    return match.vary === undefined ? answered(ctx, look) : varying(ctx, look, match.vary)
  }
  const controls: Pick<Router, 'replace' | 'explain' | 'conflicts'> = {
    replace(define) {
      checkOptions('router.replace', { define }, { define: options.fn('a function that adds routes') })
      const next = new RouteList(checked)
      define(withRoutes({}, next))
      return routes.become(next)
    },
    explain: (request, tenant) => routes.table.explain(request, tenant),
    conflicts: () => routes.table.conflicts(),
  }
  // In front of a framework too, a path is one path to all: else a guard on `/admin` would not see `//admin`.
  const router: Router = withRoutes(withStrictPaths(Object.assign(handler, controls)), routes)
  list(router, routes)
  define?.(router)
  return router
}

/** What one request has met. */
interface Look {
  readonly match: Match<Handler>
  readonly table: RouteTable<Handler>
  readonly outer: Mounted | undefined
  readonly tenant: string | undefined
  readonly missing: Handler | undefined
}

function answered(ctx: Context, look: Look): MaybePromise<Reply> {
  const { match, table, outer, tenant } = look
  if (match.kind !== 'hit') return refusal(ctx, match, look)
  const left = maxForwards(ctx)
  if (left === 0) return lastHere(ctx, () => table.allowed(ctx.request, outer?.end, tenant))
  return match.data(routed(left === undefined ? ctx : counted(ctx, left), match, outer))
}

// A cache in front must not give what one route answers to a request that another one would take.
function varying(ctx: Context, look: Look, names: readonly string[]): MaybePromise<Reply> {
  return amended(
    ctx,
    (ctx) => answered(ctx, look),
    ({ headers }) => addVary(headers, ...names),
  )
}

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

function refusal(ctx: Context, match: Exclude<Match<Handler>, Hit>, { table, missing }: Look): MaybePromise<Reply> {
  const { method, url } = ctx.request
  if (match.kind === 'malformed') {
    return problem(new GatewayError('BAD_TARGET', { detail: `The path parameter ${match.param} is not UTF-8` }))
  }
  if (match.kind === 'redirect') return empty({ status: 308, headers: { location: relativeTo(match.path) + url.search } })
  // What answers in the place of 404 may know any method.
  if (!missing && !isUsual(method) && !table.knows(method)) return problem(new GatewayError('METHOD_NOT_IMPLEMENTED'))
  return match.kind === 'miss' ? (missing ?? notFound)(ctx) : answeredHere(ctx, match.allow)
}

function answeredHere({ request }: Context, allow: readonly string[]): Reply {
  const headers = { allow: allow.join(', ') }
  return request.method === 'OPTIONS' ? empty({ headers }) : problem(new GatewayError('METHOD_NOT_ALLOWED', { headers }))
}

// `Max-Forwards` is used up. Nobody here echoes a request: it has what only those behind should see.
function lastHere(ctx: Context, allowed: () => readonly string[]): Reply {
  return ctx.request.method === 'OPTIONS' ? answeredHere(ctx, allowed()) : problem(new GatewayError('METHOD_NOT_IMPLEMENTED'))
}

// Relative to the path that the client asked for: of what a layer or a server in front took off, we know nothing. It begins
// with dots, so that whatever the segment is, it never names another host.
function relativeTo(path: string): string {
  const isLonger = path.endsWith('/')
  const segment = path.slice(path.lastIndexOf('/', isLonger ? path.length - 2 : path.length) + 1)
  return `${isLonger ? '.' : '..'}/${segment}`
}
