import { type Handler, handlerOf, hearing, type Layer, options } from '@gatelet/core'
import { createRouter, type Router, RouteTable } from '@gatelet/router'
import { checkedOptions, type GatewayOptions, type GatewayRouteOptions } from './options.ts'
import { isSame } from './same.ts'
import { leftBehind, plannedUpstream, type Upstream } from './upstream.ts'
import { within } from './within.ts'

/** A gateway put together from one set of options. Never changed: new options make another. */
export interface Assembly {
  readonly options: GatewayOptions
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly explain: Router['explain']
  readonly handler: Handler
}

/**
 * Puts a gateway together, or says what is wrong; what is at work goes on as it is.
 * @param owner the function that took the options, for messages
 * @param before whose upstreams are taken over where they fit
 * @throws GatewayError `BAD_OPTION`
 */
export function assemble(owner: string, given: GatewayOptions, before?: Assembly): Assembly {
  const checked = checkedOptions(owner, given)
  // Everything is checked before the first upstream is made: making one is told to those who listen to events.
  within(owner, '', () => checkRoutes(checked))
  const upstreams = plannedUpstreams(owner, checked, before)
  const { routes: _routes, upstreams: _upstreams, use: _use, ...routing } = checked
  const router = createRouter(routing)
  for (const route of checked.routes) router.route(placeOf(route), handlerOfRoute(route, upstreams))
  return { options: checked, upstreams, explain: router.explain, handler: layered(checked.use, router) }
}

function checkRoutes({ routes, tenant, strict = false, trailingSlash = 'strict' }: GatewayOptions): void {
  RouteTable.build(
    routes.map((route) => ({ ...placeOf(route), data: undefined })),
    { strict, trailingSlash },
  )
  const at = routes.findIndex((route) => route.tenant !== undefined)
  if (at < 0 || tenant) return
  const path = `routes[${at}].tenant`
  throw options.wrong(routes[at]?.tenant, path, 'left out where there is no option tenant, which says whose request it is')
}

function plannedUpstreams(owner: string, options: GatewayOptions, before?: Assembly): Map<string, Upstream> {
  const planned = new Map<string, Upstream>()
  try {
    for (const [name, upstream] of Object.entries(options.upstreams))
      planned.set(name, plannedUpstream(owner, name, upstream, before?.upstreams.get(name)))
  } catch (error) {
    // Some things are only found out by making them (a certificate that is not there). What was made before would go on
    // with its checks and look-ups, for nobody.
    for (const [name, upstream] of planned) void leftBehind(upstream, before?.upstreams.get(name))?.close()
    throw error
  }
  return planned
}

/** Where two gateways differ: `upstreams.<name>` for each that came, went or became another; the names of other options. */
export function differences(before: Assembly, now: Assembly): string[] {
  const names = new Set([...before.upstreams.keys(), ...now.upstreams.keys()])
  const upstreams = [...names].filter((name) => before.upstreams.get(name) !== now.upstreams.get(name))
  const others = (['routes', 'use', 'tenant', 'strict', 'trailingSlash'] as const).filter(
    (name) => !isSame(before.options[name] ?? [], now.options[name] ?? []),
  )
  return [...upstreams.map((name) => `upstreams.${name}`), ...others]
}

function placeOf({ to: _to, use: _use, ...place }: GatewayRouteOptions): Omit<GatewayRouteOptions, 'to' | 'use'> {
  return place
}

function handlerOfRoute(route: GatewayRouteOptions, upstreams: ReadonlyMap<string, Upstream>): Handler {
  const handler = layered(route.use, targetOf(route, upstreams))
  return Object.values(route.where ?? {}).includes('int') ? withTexts(handler) : handler
}

// A list of routes has one type for what each of them captures: texts.
function withTexts(handler: Handler): Handler {
  return (ctx) => {
    const { params } = ctx.state as { readonly params: Readonly<Record<string, string | number>> }
    const texts: Record<string, string> = Object.create(null)
    for (const name of Object.keys(params)) texts[name] = String(params[name])
    return handler(ctx.with({ params: texts }))
  }
}

function targetOf({ to }: GatewayRouteOptions, upstreams: ReadonlyMap<string, Upstream>): Handler {
  // The checks of the options have seen that the upstream is there.
  return typeof to === 'string' ? (upstreams.get(to) as Upstream).proxy : (to as Handler)
}

// What a layer needs was proved by the types of the options: the router gives it to all that stands in a route.
function layered(layers: readonly unknown[] = [], last: Handler): Handler {
  if (layers.length === 0) return last
  return (layers as readonly Layer[]).reduceRight<Handler>((next, layer) => handlerOf(layer, next), hearing(last))
}
