import { type Checks, checkOptions, options } from '@gatelet/core'
import { capture } from './capture.ts'
import { Claims } from './claims.ts'
import { HostIndex, type HostPattern, hostText } from './host.ts'
import type { Leaf } from './leaf.ts'
import type { Pattern } from './pattern.ts'
import { type Route, type RouteSpec, whereChecks } from './route.ts'
import { PathTree } from './tree.ts'

/** What a table looks at; every request of a `Context` is one. */
export interface RouteRequest {
  readonly method: string
  /** Canonical. */
  readonly url: { readonly host: string; readonly path: string }
}

/** What a table found. */
export type Match<D> =
  | {
      readonly kind: 'hit'
      readonly data: D
      readonly pattern: Pattern
      readonly params: Readonly<Record<string, string>>
      /** Where in the path the rest begins, at its slash or at the end of the path; undefined when the pattern has no rest. */
      readonly end: number | undefined
    }
  /** A route matched, but this parameter of it is not UTF-8 once decoded. */
  | { readonly kind: 'malformed'; readonly param: string }
  /** Routes match the path, but none the method. `allow`: their methods, `HEAD` where `GET` is, and `OPTIONS`; sorted. */
  | { readonly kind: 'wrong-method'; readonly allow: readonly string[] }
  | { readonly kind: 'miss' }

/**
 * Routes, prepared for look-ups. Never changed once built. Which route is found does not depend on their order but on how
 * much they say, compared in turn: the host (exact, then the longest wildcard, then none), each segment of the path from
 * the left (static, then parameter, then rest), the method (named, then any). A route that matches but for its method
 * leaves the request to the next one.
 */
export class RouteTable<D> {
  private readonly hosts: HostIndex<PathTree<D>>

  /** @throws GatewayError `BAD_OPTION` for a route that is not right, or that matches just what another one does */
  static build<D>(routes: readonly RouteSpec<D>[]): RouteTable<D> {
    const checks = { ...whereChecks, data: options.anything } as Checks<Route<D>>
    const { routes: checked } = checkOptions('RouteTable.build', { routes }, { routes: options.list(options.shape(checks)) })
    const claims = new Claims()
    for (const [at, route] of checked.entries()) claims.add(route, 'RouteTable.build', `routes[${at}].path`)
    return new RouteTable(checked)
  }

  /** Of routes that are checked already. */
  constructor(routes: readonly Route<D>[]) {
    const trees = new Map<string, readonly [HostPattern | undefined, PathTree<D>]>()
    for (const route of routes) {
      const host = hostText(route.host)
      const tree = trees.get(host)?.[1] ?? new PathTree<D>()
      trees.set(host, [route.host, tree])
      tree.add(route)
    }
    this.hosts = new HostIndex([...trees.values()])
  }

  /**
   * Takes time in proportion to the length of the path and, at worst, to the number of routes.
   * @param from where in the path to begin: at a slash, or at its end, which is the same as a slash that nothing follows
   */
  find(request: RouteRequest, from = 0): Match<D> {
    const { host, path } = request.url
    const whole = from < path.length ? path : `${path}/`
    for (const tree of this.hosts.matching(host)) {
      const route = tree.first(whole, from, routeFor<D>, request.method)
      if (route) return hit(route, whole, from)
    }
    return this.refusal(host, whole, from)
  }

  private refusal(host: string, path: string, from: number): Match<D> {
    const methods = new Set<string>()
    for (const tree of this.hosts.matching(host)) tree.first(path, from, addMethods<D>, methods)
    if (methods.size === 0) return { kind: 'miss' }
    if (methods.has('GET')) methods.add('HEAD')
    return { kind: 'wrong-method', allow: [...methods.add('OPTIONS')].sort() }
  }
}

function routeFor<D>(leaf: Leaf<D>, method: string): Route<D> | undefined {
  return leaf.find(method)
}

function addMethods<D>(leaf: Leaf<D>, methods: Set<string>): undefined {
  for (const method of leaf.methods) methods.add(method)
}

function hit<D>({ path: pattern, data }: Route<D>, path: string, from: number): Match<D> {
  const captured = capture(pattern, path, from)
  if ('malformed' in captured) return { kind: 'malformed', param: captured.malformed }
  return { kind: 'hit', data, pattern, params: captured.params, end: captured.end }
}
