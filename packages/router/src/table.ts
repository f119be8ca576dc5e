import { type Checks, checkOptions, options, type ReadonlyHeaders } from '@gatelet/core'
import { capture } from './capture.ts'
import { Claims } from './claims.ts'
import { HostIndex, type HostPattern, hostText } from './host.ts'
import type { Ask, Placed } from './leaf.ts'
import { type Conflict, Conflicts } from './match/conflicts.ts'
import { beaten, type Candidate, type Explanation, failedCondition, passedBy } from './match/explain.ts'
import type { Pattern } from './pattern.ts'
import {
  type CheckedOptions,
  placeOf,
  type Route,
  type RouteSpec,
  routeChecks,
  routeText,
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
export type Match<D> = Found<D> & {
  /** Names of the headers that routes asked about on the way, in lower case: for `Vary`. Left out: none. */
  readonly vary?: readonly string[]
}

type Found<D> =
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
  /** Whether routes that conflict are refused: see `RouteTable.conflicts`. Default: false. */
  strict?: boolean
  /** For routes that do not say. Default: `'strict'`. */
  trailingSlash?: TrailingSlash
}

const tableChecks: Checks<TableOptions> = {
  strict: options.optional(options.boolean),
  trailingSlash: options.optional(trailingSlash),
}

/**
 * Routes, prepared for look-ups. Never changed once built. Which route is found does not depend on their order but on how
 * much they say, compared in turn: the host (exact, then the longest wildcard, then none), each segment of the path from
 * the left (static, then parameter with a rule, then parameter, then rest), the tenant, the method (named, then any), more
 * conditions on headers, more on the query, the greater priority, and only then which was added earlier. A route of which
 * something does not match leaves the request to the next one.
 */
export class RouteTable<D> {
  private readonly routes: readonly Route<D>[]
  private readonly hosts: HostIndex<PathTree<D>>
  private readonly methods = new Set<string>()
  /** Whether some route names tenants. */
  readonly hasTenants: boolean
  /** Whether some route looks at more than a request has by itself, or at what has to be told. */
  private readonly asksMore: boolean

  /**
   * @throws GatewayError `BAD_OPTION` for a route that is not right, that matches just what another one does, or, when `strict`,
   * that conflicts with another one
   */
  static build<D>(routes: readonly RouteSpec<D>[], tableOptions?: TableOptions): RouteTable<D> {
    const owner = 'RouteTable.build'
    const { strict = false, trailingSlash = 'strict' } = checkOptions(owner, tableOptions, tableChecks)
    const checks = { ...routeChecks, data: options.anything } as Checks<CheckedOptions & { data: D }>
    const { routes: checked } = checkOptions(owner, { routes }, { routes: options.list(options.shape(checks)) })
    const claims = new Claims(strict)
    const placed = checked.map((route, at): Route<D> => {
      const place = placeOf(route, owner, `routes[${at}].`, trailingSlash)
      claims.add(place, owner, `routes[${at}].path`)
      return { ...place, data: route.data }
    })
    return new RouteTable(placed)
  }

  /** Of routes that are checked already. */
  constructor(routes: readonly Route<D>[]) {
    this.routes = [...routes]
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
    this.hasTenants = routes.some(({ tenants }) => tenants !== undefined)
    this.asksMore = this.hasTenants || routes.some(({ rest, headers }) => rest !== undefined || headers.length > 0)
  }

  /**
   * Takes time in proportion to the length of the path and, at worst, to the number of routes.
   * @param from where in the path to begin: at a slash, or at its end, which is the same as a slash that nothing follows
   * @param tenant whose request it is; undefined: of none that routes name
   */
  find(request: RouteRequest, from = 0, tenant?: string): Match<D> {
    if (!this.asksMore) return this.found(request.url.host, from, request)
    const { method, url, headers } = request
    const ask: Ask = { method, url, headers, tenant, from }
    const found = this.found(url.host, from, ask)
    return ask.asked ? { ...found, vary: [...ask.asked] } : found
  }

  /**
   * Why `find` finds what it finds. Looks at every route of the table: for people and for tests, not for each request.
   * @param tenant as for `find`
   */
  explain(request: RouteRequest, tenant?: string): Explanation {
    const { method, url, headers } = request
    const ask: Ask = { method, url, headers, tenant }
    const leaves = this.hosts.matching(url.host).flatMap((tree) => tree.leaves(url.path, 0))
    const looked = leaves.flatMap((leaf) => leaf.routes.map((route) => ({ leaf, route, lost: failedCondition(route, ask) })))
    const home = leaves.find((leaf) => leaf.find(ask))
    const winner = home?.find(ask)
    const met = looked.map(({ leaf, route, lost }): Candidate => {
      if (route === winner) return { route: routeText(route) }
      return { route: routeText(route), lost: lost ?? beaten(route, winner as Placed<D>, leaf === home) }
    })
    const known = new Set(looked.map(({ route }) => route.order))
    const others = this.routes.filter((_, order) => !known.has(order))
    return {
      request: `${method} ${url.host}${url.path}${url.search ?? ''}`,
      found: this.find(request, 0, tenant).kind,
      ...(winner && { route: routeText(winner) }),
      candidates: [
        ...met.filter(({ lost }) => !lost),
        ...met.filter(({ lost }) => lost?.on === 'precedence'),
        ...met.filter(({ lost }) => lost && lost.on !== 'precedence'),
        ...others.map((route) => ({ route: routeText(route), lost: passedBy(route, url.host, url.path) })),
      ],
    }
  }

  /**
   * Routes that overlap although neither is a special case of the other, and routes that never answer. Looks at pairs of
   * routes: for the start of a program, not for each request.
   */
  conflicts(): readonly Conflict[] {
    const conflicts = new Conflicts()
    return this.routes.flatMap((route) => conflicts.add(route))
  }

  /**
   * The methods with which this request would be taken, `HEAD` where `GET` is, and `OPTIONS`; sorted. Of a route for every method,
   * the usual ones.
   */
  allowed(request: RouteRequest, from = 0, tenant?: string): readonly string[] {
    const { method, url, headers } = request
    const whole = from < url.path.length ? url.path : `${url.path}/`
    const match = this.refusal(url.host, whole, from, { method, url, headers, tenant, from })
    return match.kind === 'wrong-method' ? match.allow : []
  }

  /** Whether some route takes this method, somewhere. */
  knows(method: string): boolean {
    return this.methods.has(method) || this.methods.has('*')
  }

  private found(host: string, from: number, ask: Ask): Found<D> {
    const { path } = ask.url
    const whole = from < path.length ? path : `${path}/`
    const trees = this.hosts.matching(host)
    let hasMet = false
    for (let at = 0; at < trees.length; at++) {
      const tree = trees[at] as PathTree<D>
      const route = tree.find(whole, from, ask)
      hasMet ||= tree.hasMet
      if (route === undefined) continue
      return route.isTurned && route.trailingSlash === 'redirect' ? turned(path) : hit(route, whole, from, tree.ends)
    }
    return hasMet ? this.refusal(host, whole, from, ask) : { kind: 'miss' }
  }

  private refusal(host: string, path: string, from: number, ask: Ask): Found<D> {
    const methods = new Set<string>()
    for (const tree of this.hosts.matching(host)) for (const leaf of tree.leaves(path, from)) leaf.addMethods(ask, methods)
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

function turned(path: string): Found<never> {
  return { kind: 'redirect', path: path.endsWith('/') ? path.slice(0, -1) : `${path}/` }
}

function hit<D>({ path: pattern, numbers, data }: Placed<D>, path: string, from: number, ends: readonly number[]): Found<D> {
  const { params, end, malformed } = capture(pattern, path, from, ends)
  if (malformed !== undefined) return { kind: 'malformed', param: malformed }
  if (numbers !== undefined) toNumbers(params, numbers)
  return { kind: 'hit', data, pattern, params, end }
}

function toNumbers(params: Record<string, string | number>, names: readonly string[]): void {
  for (const name of names) params[name] = Number(params[name])
}
