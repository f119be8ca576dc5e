import { type Checks, checkOptions, options } from '@gatelet/core'
import { capture } from './capture.ts'
import { Claims } from './claims.ts'
import { HostIndex } from './host.ts'
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
  private readonly hosts = new HostIndex<PathTree<D>>()
  private readonly depth: number

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
    for (const route of routes) this.hosts.at(route.host, () => new PathTree()).add(route)
    this.depth = routes.reduce((most, { path }) => Math.max(most, path.segments.length), 0)
  }

  /**
   * Takes time in proportion to the length of the path and, at worst, to the number of routes.
   * @param from where in the path to begin: at a slash, or at its end, which is the same as a slash that nothing follows
   */
  find(request: RouteRequest, from = 0): Match<D> {
    const { method, url } = request
    // What is deeper than every pattern can only be part of a rest: it is not split.
    const segments = url.path.slice(from + 1).split('/', this.depth + 1)
    const route = this.hosts.first(url.host, (tree) => tree.first(segments, (leaf) => leaf.find(method)))
    return route ? hit(route, url.path, from, segments) : this.refusal(url.host, segments)
  }

  private refusal(host: string, segments: readonly string[]): Match<D> {
    const methods = new Set<string>()
    this.hosts.first(host, (tree) =>
      tree.first(segments, (leaf) => {
        for (const method of leaf.methods) methods.add(method)
        return undefined
      }),
    )
    if (methods.size === 0) return { kind: 'miss' }
    if (methods.has('GET')) methods.add('HEAD')
    return { kind: 'wrong-method', allow: [...methods.add('OPTIONS')].sort() }
  }
}

function hit<D>({ path: pattern, data }: Route<D>, path: string, from: number, segments: readonly string[]): Match<D> {
  const end = pattern.isPrefix ? endOf(pattern, from, segments) : undefined
  const captured = capture(pattern, segments, end === undefined ? '' : path.slice(end + 1))
  if ('malformed' in captured) return { kind: 'malformed', param: captured.malformed }
  return { kind: 'hit', data, pattern, params: captured.params, end }
}

function endOf(pattern: Pattern, from: number, segments: readonly string[]): number {
  let end = from
  for (let at = 0; at < pattern.segments.length; at++) end += 1 + (segments[at] as string).length
  return end
}
