import { type Checks, chain, checkOptions, GatewayError, type Handler, type Middleware, options } from '@gatelet/core'
import { Claims, claimOf } from './claims.ts'
import { type CheckedOptions, placeOf, type Route, type RouteOptions, routeChecks, routeText } from './route.ts'
import type { RouterOptions } from './router.ts'
import { RouteTable } from './table.ts'

/** What a replacement has changed, each route as `GET api.example.com/users/:id (id: int)`. */
export interface RouteChanges {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Routes for the same requests, with another handler, other layers, or parameters of other names. */
  readonly changed: readonly string[]
}

interface Handled extends CheckedOptions {
  readonly layers: readonly Middleware[]
  readonly handler: Handler
}

/** A route as it was added. */
export interface ListedRoute extends Route<Handler> {
  /** Its layers and its handler. */
  readonly handling: readonly unknown[]
}

const checks: Checks<Handled> = {
  ...routeChecks,
  layers: options.list(options.fn<Middleware>('a layer (ctx, next) => Reply')),
  handler: options.fn<Handler>('a handler (ctx) => Reply'),
}

/** The routes of one router, and the table made of them. */
export class RouteList {
  private routes: ListedRoute[] = []
  private claims: Claims
  private built: RouteTable<Handler> | undefined
  private readonly options: RouterOptions

  constructor(options: RouterOptions) {
    this.options = options
    this.claims = new Claims(options.strict === true)
  }

  /** In the order in which they were added. */
  get all(): readonly ListedRoute[] {
    return this.routes
  }

  /** Built at the first request after a change, and replaced whole: a request sees the one or the other. */
  get table(): RouteTable<Handler> {
    this.built ??= new RouteTable(this.routes)
    return this.built
  }

  /**
   * @param owner the function that was called, for messages
   * @param handling layers, then the handler
   */
  add(owner: string, where: RouteOptions, handling: readonly unknown[]): void {
    const route = { ...where, layers: handling.slice(0, -1), handler: handling.at(-1) }
    const { layers, handler, ...rest } = checkOptions<Handled>(owner, route, checks)
    if (rest.tenant && !this.options.tenant) throw tenantless(owner)
    const place = placeOf(rest, owner, '', this.options.trailingSlash ?? 'strict')
    this.claims.add(place, owner, 'path')
    const layered = layers.reduce((before, layer) => before.use(layer), chain())
    const data = layers.length > 0 ? layered.to(handler) : handler
    this.routes.push({ ...place, data, handling: [...layers, handler] })
    this.built = undefined
  }

  /** Takes over all that another list has, its table built; tells what is different now. */
  become(next: RouteList): RouteChanges {
    const { table } = next
    const changes = changesBetween(this.routes, next.routes)
    this.routes = [...next.routes]
    this.claims = next.claims
    this.built = table
    // Who still holds the other list adds to that alone.
    next.claims = new Claims(false)
    return changes
  }
}

function tenantless(owner: string): GatewayError {
  const message = `${owner}: tenant must be left out where the router has no option tenant, which says whose request it is`
  return new GatewayError('BAD_OPTION', { path: 'tenant', message })
}

function changesBetween(before: readonly ListedRoute[], now: readonly ListedRoute[]): RouteChanges {
  const left = new Map(before.map((route) => [claimOf(route), route]))
  const [added, changed]: [string[], string[]] = [[], []]
  for (const route of now) {
    const claim = claimOf(route)
    const old = left.get(claim)
    left.delete(claim)
    if (!old) added.push(routeText(route))
    else if (!isSame(old, route)) changed.push(routeText(route))
  }
  return { added, removed: [...left.values()].map(routeText), changed }
}

function isSame(a: ListedRoute, b: ListedRoute): boolean {
  const isHandledAlike = a.handling.length === b.handling.length && a.handling.every((each, at) => each === b.handling[at])
  return isHandledAlike && a.path.text === b.path.text && a.trailingSlash === b.trailingSlash
}
