import { checkOptions, type Handler, type Middleware, options } from '@gatelet/core'
import { hostPattern } from './host.ts'
import type { ParamRules } from './match/where.ts'
import type { FreshPath, RouteState, RuledPath } from './params.ts'
import { below } from './pattern.ts'
import type { RouteOptions } from './route.ts'
import type { RouteList } from './route-list.ts'

/**
 * Adds a route and returns what it was called on. A layer may stand between the path and the handler, and sees what the
 * path captured; several are one by `chain().use(a).use(b).layer()`.
 */
export interface Verb<S extends object, Self> {
  /** @throws GatewayError `BAD_OPTION` when the path is not right, or when another route matches just what this one does */
  <P extends string>(path: FreshPath<S, P>, handler: Handler<S & RouteState<P>>): Self
  <P extends string, A extends object>(
    path: FreshPath<S, P>,
    layer: Middleware<S & RouteState<P>, A>,
    handler: Handler<S & RouteState<P> & A>,
  ): Self
}

/** Where routes are added, before or while requests come in. Their order plays no part: see `RouteTable`. */
export interface Routes<S extends object = {}> {
  /** Takes HEAD as well, unless `head` has the path too. */
  readonly get: Verb<S, this>
  readonly head: Verb<S, this>
  readonly post: Verb<S, this>
  readonly put: Verb<S, this>
  readonly patch: Verb<S, this>
  readonly delete: Verb<S, this>
  /** Takes the place of the router's own answer to OPTIONS. */
  readonly options: Verb<S, this>
  /** Every method that no other route has at this path. */
  readonly any: Verb<S, this>
  /**
   * Everything at and below a path: `mount('/v1', …)` is `any('/v1/*', …)`, and takes `/v1`, `/v1/` and `/v1/x`, never
   * `/v1x`. A router that is mounted so sees the rest of the path, in which `/` stands for `/v1` and `/v1/` alike; what it
   * does not find is its own 404. `ctx.request.url.path` stays whole: see `stripPrefix`. Params of both are merged; a name
   * that is taken outside is refused by the compiler, and without types the inner one wins.
   */
  readonly mount: Verb<S, this>
  /**
   * A route with all that `RouteOptions` has: methods of any name, hosts, rules of parameters, conditions, a tenant.
   * @throws as the others do
   * @example routes.route({ method: 'GET', path: '/bills/:id', where: { id: 'int' } }, (ctx) => json(ctx.state.params.id + 1))
   */
  route<P extends string, const W extends ParamRules = {}>(
    where: RouteOptions<P, W> & { path: FreshPath<S, P> & RuledPath<P, W> },
    handler: Handler<S & RouteState<P, W>>,
  ): this
  route<P extends string, A extends object, const W extends ParamRules = {}>(
    where: RouteOptions<P, W> & { path: FreshPath<S, P> & RuledPath<P, W> },
    layer: Middleware<S & RouteState<P, W>, A>,
    handler: Handler<S & RouteState<P, W> & A>,
  ): this
}

/** Routes of every host, and of some. */
export interface HostRoutes<S extends object = {}> extends Routes<S> {
  /**
   * Routes for one host, for several, or for every host below one, as `*.example.com`. They go before routes without a host;
   * what none of them takes is left to those.
   * @throws GatewayError `BAD_OPTION` for what is not a host
   */
  host(pattern: string | readonly string[], define: (routes: Routes<S>) => void): this
}

/** Gives `target` what adds routes to `list`. */
export function withRoutes<T extends object>(target: T, list: RouteList): T & HostRoutes {
  return withVerbs(Object.assign(target, { host }), list) as unknown as T & HostRoutes
  function host(pattern: string | readonly string[], define: (routes: Routes) => void): T {
    checkOptions('router.host', { pattern, define }, hostChecks)
    define(withVerbs({}, list, pattern))
    return target
  }
}

const hostChecks = {
  pattern: options.either('a host name without port, or a list of such', hostPattern, options.list(hostPattern, { min: 1 })),
  define: options.fn('a function that adds routes'),
}

/** Gives `target` the verbs; each adds to `list`, for `host` unless the route names its own. */
function withVerbs<T extends object>(target: T, list: RouteList, host?: string | readonly string[]): T & Routes {
  const where = host === undefined ? {} : { host }
  const verb =
    (name: string, method?: string) =>
    (path: string, ...handling: unknown[]) => {
      list.add(`router.${name}`, { ...where, ...(method && { method }), path }, handling)
      return target
    }
  const verbs = {
    get: verb('get', 'GET'),
    head: verb('head', 'HEAD'),
    post: verb('post', 'POST'),
    put: verb('put', 'PUT'),
    patch: verb('patch', 'PATCH'),
    delete: verb('delete', 'DELETE'),
    options: verb('options', 'OPTIONS'),
    any: verb('any'),
    mount: (path: string, ...handling: unknown[]) => verb('mount')(below(path), ...handling),
    route(own: RouteOptions, ...handling: unknown[]) {
      list.add('router.route', { ...own, ...(own?.host === undefined && where) }, handling)
      return target
    },
  }
  return Object.assign(target, verbs) as unknown as T & Routes
}
