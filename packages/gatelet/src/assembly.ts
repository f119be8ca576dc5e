import { type Handler, handlerOf, hearing, type Layer } from '@gatelet/core'
import { createRouter, RouteTable } from '@gatelet/router'
import { checkedOptions, type GatewayOptions, type GatewayRouteOptions } from './options.ts'
import { isSame } from './same.ts'
import { leftBehind, plannedUpstream, type Upstream } from './upstream.ts'
import { within } from './within.ts'

/** A gateway put together from one set of options. Never changed: new options make another. */
export interface Assembly {
  readonly options: GatewayOptions
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly handler: Handler
}

/**
 * Puts a gateway together, or says what is wrong; what is at work goes on as it is.
 * @param owner the function that took the options, for messages
 * @param before whose upstreams are taken over where they fit
 * @throws GatewayError `BAD_OPTION`
 */
export function assemble(owner: string, given: GatewayOptions, before?: Assembly): Assembly {
  const options = checkedOptions(owner, given)
  // Everything is checked before the first upstream is made: making one is told to those who listen to events.
  within(owner, '', () => RouteTable.build(options.routes.map((route) => ({ ...placeOf(route), data: undefined }))))
  const upstreams = plannedUpstreams(owner, options, before)
  const router = createRouter()
  for (const route of options.routes) router.route(placeOf(route), layered(route.use, targetOf(route, upstreams)))
  return { options, upstreams, handler: layered(options.use, router) }
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

/** Where two gateways differ: `upstreams.<name>` for each that came, went or became another; `routes`; `use`. */
export function differences(before: Assembly, now: Assembly): string[] {
  const names = new Set([...before.upstreams.keys(), ...now.upstreams.keys()])
  const upstreams = [...names].filter((name) => before.upstreams.get(name) !== now.upstreams.get(name))
  const others = (['routes', 'use'] as const).filter((name) => !isSame(before.options[name] ?? [], now.options[name] ?? []))
  return [...upstreams.map((name) => `upstreams.${name}`), ...others]
}

function placeOf({ to: _to, use: _use, ...place }: GatewayRouteOptions): Omit<GatewayRouteOptions, 'to' | 'use'> {
  return place
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
