import { type Checks, checkOptions, options, type ReadonlyHeaders } from '@gatelet/core'
import { capture } from './capture.ts'
import { Claims } from './claims.ts'
import { HostIndex, type HostPattern, hostText } from './host.ts'
import type { Ask, Leaf, Placed } from './leaf.ts'
import type { Pattern } from './pattern.ts'
import {
  type CheckedOptions,
  placeOf,
  type Route,
  type RouteSpec,
  routeChecks,
  type TrailingSlash,
  trailingSlash,
} from './route.ts'
import { PathTree } from './tree.ts'

/** What a table looks at; every request of a `Context` is one. */
export interface RouteRequest {
  readonly method: string
  /** Canonical. `search` is the query with its `?`; left out: none. */
  readonly url: { readonly host: string; readonly path: string; readonly search?: string }
  /** Left out: there are none. */
  readonly headers?: Pick<ReadonlyHeaders, 'get'>
}

/** What a table found. */
export type Match<D> =
  | {
      readonly kind: 'hit'
      readonly data: D
      readonly pattern: Pattern
      /** Decoded. Numbers where the rule of the parameter is `'int'`. */
      readonly params: Readonly<Record<string, string | number>>
      /** Where in the path the rest begins, at its slash or at the end of the path; undefined when the pattern has no rest. */
      readonly end: number | undefined
    }
  /** A route matched, but this parameter of it is not UTF-8 once decoded. */
  | { readonly kind: 'malformed'; readonly param: string }
  /** A route matches but for a slash at the end, and says so. `path`: the whole path as the route has it. */
  | { readonly kind: 'redirect'; readonly path: string }
  /** Routes match all but the method. `allow`: their methods, `HEAD` where `GET` is, and `OPTIONS`; sorted. */
  | { readonly kind: 'wrong-method'; readonly allow: readonly string[] }
  | { readonly kind: 'miss' }

/** How a table is built. */
export interface TableOptions {
  /** For routes that do not say. Default: `'strict'`. */
  trailingSlash?: TrailingSlash
}

const tableChecks: Checks<TableOptions> = { trailingSlash: options.optional(trailingSlash) }

/**
 * Routes, prepared for look-ups. Never changed once built. Which route is found does not depend on their order but on how
 * much they say, compared in turn: the host (exact, then the longest wildcard, then none), each segment of the path from
 * the left (static, then parameter with a rule, then parameter, then rest), the tenant, the method (named, then any), more
 * conditions on headers, more on the query, the greater priority, and only then which was added earlier. A route of which
 * something does not match leaves the request to the next one.
 */
export class RouteTable<D> {
  private readonly hosts: HostIndex<PathTree<D>>
  private readonly methods = new Set<string>()
  /** Whether some route looks at more than a request has by itself. */
  private readonly asksMore: boolean

  /** @throws GatewayError `BAD_OPTION` for a route that is not right, or that matches just what another one does */
  static build<D>(routes: readonly RouteSpec<D>[], tableOptions?: TableOptions): RouteTable<D> {
    const { trailingSlash = 'strict' } = checkOptions('RouteTable.build', tableOptions, tableChecks)
    const checks = { ...routeChecks, data: options.anything } as Checks<CheckedOptions & { data: D }>
    const { routes: checked } = checkOptions('RouteTable.build', { routes }, { routes: options.list(options.shape(checks)) })
    const claims = new Claims()
    const placed = checked.map((route, at): Route<D> => {
      const place = placeOf(route, 'RouteTable.build', `routes[${at}].`, trailingSlash)
      claims.add(place, 'RouteTable.build', `routes[${at}].path`)
      return { ...place, data: route.data }
    })
    return new RouteTable(placed)
  }

  /** Of routes that are checked already. */
  constructor(routes: readonly Route<D>[]) {
    const trees = new Map<string, readonly [HostPattern | undefined, PathTree<D>]>()
    for (const [order, route] of routes.entries()) {
      for (const method of route.method ?? ['*']) this.methods.add(method)
      for (const host of route.hosts.length > 0 ? route.hosts : [undefined]) {
        const name = hostText(host)
        const tree = trees.get(name)?.[1] ?? new PathTree<D>()
        trees.set(name, [host, tree])
        for (const each of placedOf(route, order)) tree.add(each)
      }
    }
    this.hosts = new HostIndex([...trees.values()])
    this.asksMore = routes.some(({ tenants, rest }) => tenants !== undefined || rest !== undefined)
  }

  /**
   * Takes time in proportion to the length of the path and, at worst, to the number of routes.
   * @param from where in the path to begin: at a slash, or at its end, which is the same as a slash that nothing follows
   * @param tenant whose request it is; undefined: of none that routes name
   */
  find(request: RouteRequest, from = 0, tenant?: string): Match<D> {
    const { host, path } = request.url
    const whole = from < path.length ? path : `${path}/`
    const ask: Ask = this.asksMore
      ? { method: request.method, url: request.url, headers: request.headers, tenant, from }
      : request
    for (const tree of this.hosts.matching(host)) {
      const route = tree.first(whole, from, routeFor<D>, ask)
      if (route) return route.isTurned && route.trailingSlash === 'redirect' ? turned(path) : hit(route, whole, from)
    }
    return this.refusal(host, whole, from, ask)
  }

  /** Whether some route takes this method, somewhere. */
  knows(method: string): boolean {
    return this.methods.has(method) || this.methods.has('*')
  }

  private refusal(host: string, path: string, from: number, ask: Ask): Match<D> {
    const methods = new Set<string>()
    for (const tree of this.hosts.matching(host)) tree.first(path, from, addMethods<D>, { ask, methods })
    if (methods.size === 0) return { kind: 'miss' }
    if (methods.has('GET')) methods.add('HEAD')
    return { kind: 'wrong-method', allow: [...methods.add('OPTIONS')].sort() }
  }
}

/** A route, and once more with the slash at the end that it does not have, when it takes that too. */
function placedOf<D>(route: Route<D>, order: number): Placed<D>[] {
  const { path, rest, trailingSlash } = route
  const rules = [
    ...path.params.map(({ name, constraint }) => ({ name, rule: constraint })),
    { name: path.rest ?? '', rule: rest },
  ]
  const numbers = rules.flatMap(({ name, rule }) => (rule?.isNumber ? [name] : []))
  const placed = { ...route, order, isTurned: false, numbers: numbers.length > 0 ? numbers : undefined }
  const isRoot = path.segments.length === 1 && path.segments[0] === ''
  if (trailingSlash === 'strict' || path.isPrefix || isRoot) return [placed]
  const segments = path.segments.at(-1) === '' ? path.segments.slice(0, -1) : [...path.segments, '']
  return [placed, { ...placed, path: { ...path, segments }, isTurned: true }]
}

function turned(path: string): Match<never> {
  return { kind: 'redirect', path: path.endsWith('/') ? path.slice(0, -1) : `${path}/` }
}

function routeFor<D>(leaf: Leaf<D>, ask: Ask): Placed<D> | undefined {
  return leaf.find(ask)
}

function addMethods<D>(leaf: Leaf<D>, { ask, methods }: { readonly ask: Ask; readonly methods: Set<string> }): undefined {
  leaf.addMethods(ask, methods)
}

function hit<D>({ path: pattern, numbers, data }: Placed<D>, path: string, from: number): Match<D> {
  const captured = capture(pattern, path, from)
  if ('malformed' in captured) return { kind: 'malformed', param: captured.malformed }
  const params: Record<string, string | number> = captured.params
  if (numbers !== undefined) for (const name of numbers) params[name] = Number(params[name])
  return { kind: 'hit', data, pattern, params, end: captured.end }
}
