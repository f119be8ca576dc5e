import { type BalancerOptions, balancerChecks } from '@gatelet/balancer'
import {
  type Chain,
  type Check,
  type Checks,
  type Context,
  checkOptions,
  type Handler,
  type MaybePromise,
  options,
  type Reply,
} from '@gatelet/core'
import { type ProxyOptions, proxyChecks } from '@gatelet/proxy'
import type { RouteOptions, RouteState, TrailingSlash } from '@gatelet/router'
import { copied } from './copied.ts'

/**
 * A whole gateway, told as one list. `N` are the names of its upstreams: a route to any other does not compile. For options
 * that are kept in a constant write `satisfies GatewayOptions<'users' | 'orders'>`; for those that are read from somewhere,
 * `GatewayOptions` alone leaves the names to the check at the start.
 */
export interface GatewayOptions<N extends string = string> {
  /** Sets of servers, by name. One that no route names is allowed: it may be there for a handler of your own. */
  upstreams: Readonly<Record<N, UpstreamOptions>>
  /**
   * Which requests go where, at most 100,000. Their order plays no part: the route that says more wins (see `createRouter`);
   * what no route takes is answered 404.
   */
  routes: readonly GatewayRouteOptions<N>[]
  /** Layers for every request, in the order in which it meets them, before a route is chosen. At most 1,000. Default: none. */
  use?: readonly GatewayLayer[]
  /**
   * Whose request it is, for routes that name their `tenant`; undefined: of none of them. It sees the request as the layers of
   * `use` have made it, not their state; take nothing from a header that the client writes.
   */
  tenant?: (ctx: Context) => string | undefined
  /** Whether routes that conflict are refused: see `RouteTable.conflicts` of `gatelet/router`. Default: false. */
  strict?: boolean
  /** Whether a slash at the end of a path counts, for routes that do not say. Default: `'strict'`, it does. */
  trailingSlash?: TrailingSlash
}

/** A set of servers: how one of them is picked, and how it is asked. */
export interface UpstreamOptions extends BalancerOptions {
  /** Names the upstream in events and warnings. Default: the name that the gateway knows it by. */
  name?: string
  /** How requests are forwarded: headers, retries, time limits, connections. Default: as `proxy` does by itself. */
  proxy?: ProxyOptions
}

/** Which requests a route takes, and who answers them. */
export interface GatewayRouteOptions<N extends string = string> extends RouteOptions {
  /**
   * The name of an upstream; or a handler of your own, which finds `params` and `route` in the state. The values of params are
   * texts, also where their rule is `'int'`.
   */
  to: NoInfer<N> | Handler<RouteState>
  /** Layers for this route alone, in the order in which a request meets them. At most 1,000. Default: none. */
  use?: readonly RouteLayer[]
}

/**
 * A layer or a chain that needs no state. Layers of which one needs what another adds are put together by a chain:
 * `use: [chain().use(whoIsAsking).use(limitPerCaller)]`.
 */
export type GatewayLayer = LayerOver<{}>

/** The same, inside a route: what the path captured is in the state already. */
export type RouteLayer = LayerOver<RouteState>

// Of functions one type only: TypeScript gives an inline function no types where a union has several.
type LayerOver<S extends object> = ((ctx: Context<S>, next: Handler<S>) => MaybePromise<Reply>) | Chain<object, S>

/**
 * Checks all but the patterns of the routes. @returns a copy, which stays as it is when the owner changes the original
 * @param owner the function that takes them
 * @throws GatewayError `BAD_OPTION`
 */
export function checkedOptions(owner: string, given: GatewayOptions): GatewayOptions {
  return checkOptions(owner, given, checksWith(Object.keys((given as Partial<GatewayOptions> | null)?.upstreams ?? {})))
}

const { boolean, fn, list, oneOf, optional, record, shape, wrong } = options

const upstreamChecks: Checks<UpstreamOptions> = { ...balancerChecks, proxy: optional(shape(proxyChecks)) }

function checksWith(upstreams: readonly string[]): Checks<GatewayOptions> {
  const route: Checks<GatewayRouteOptions> = {
    // What is right here, the router knows alone.
    path: asItIs,
    method: asItIs,
    host: asItIs,
    where: asItIs,
    tenant: asItIs,
    headers: asItIs,
    query: asItIs,
    priority: asItIs,
    trailingSlash: asItIs,
    to: oneOfUpstreams(upstreams),
    use: layers,
  }
  return {
    upstreams: record(shape(upstreamChecks)),
    routes: list(shape(route), { max: 100_000 }),
    use: layers,
    tenant: optional(fn('a function (ctx) => the name of a tenant')),
    strict: optional(boolean),
    trailingSlash: optional(oneOf('strict', 'ignore', 'redirect')),
  }
}

const asItIs: Check<never> = (value) => copied(value) as never

const layer: Check<RouteLayer> = (value, path) => {
  const isChain = typeof value === 'object' && value !== null && typeof (value as Partial<Chain<object>>).layer === 'function'
  if (typeof value !== 'function' && !isChain) throw wrong(value, path, 'a layer (ctx, next) => Reply, or a chain')
  return value as RouteLayer
}

const layers = optional(list(layer, { max: 1_000 })) as Check<readonly never[] | undefined>

function oneOfUpstreams(names: readonly string[]): Check<string | Handler<RouteState>> {
  const known = names.length === 0 ? ', and there is none' : `: ${names.join(', ')}`
  return (value, path) => {
    if (typeof value === 'function') return value as Handler<RouteState>
    if (typeof value !== 'string') throw wrong(value, path, `a handler, or the name of an upstream${known}`)
    if (!names.includes(value)) throw wrong(value, path, `the name of an upstream${known}`)
    return value
  }
}
