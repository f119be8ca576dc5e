import { type Checks, chain, checkOptions, type Handler, type Middleware, options } from '@gatelet/core'
import { Claims } from './claims.ts'
import { type CheckedOptions, placeOf, type Route, type RouteOptions, routeChecks, type TrailingSlash } from './route.ts'
import { RouteTable } from './table.ts'

interface Handled extends CheckedOptions {
  readonly layers: readonly Middleware[]
  readonly handler: Handler
}

const checks: Checks<Handled> = {
  ...routeChecks,
  layers: options.list(options.fn<Middleware>('a layer (ctx, next) => Reply')),
  handler: options.fn<Handler>('a handler (ctx) => Reply'),
}

/** The routes of one router, and the table made of them. */
export class RouteList {
  private readonly routes: Route<Handler>[] = []
  private readonly claims = new Claims()
  private readonly trailingSlash: TrailingSlash
  private built: RouteTable<Handler> | undefined

  constructor(trailingSlash: TrailingSlash) {
    this.trailingSlash = trailingSlash
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
    const place = placeOf(rest, owner, '', this.trailingSlash)
    this.claims.add(place, owner, 'path')
    const layered = layers.reduce((before, layer) => before.use(layer), chain())
    this.routes.push({ ...place, data: layers.length > 0 ? layered.to(handler) : handler })
    this.built = undefined
  }
}
