import { capture } from './capture.ts'
import { type Asked, type FieldCondition, failedHeader, failedQuery } from './match/conditions.ts'
import type { Matcher } from './match/matcher.ts'
import type { Pattern } from './pattern.ts'
import type { Route } from './route.ts'
import { usualMethods } from './usual-methods.ts'

/** What a leaf is asked for. */
export interface Ask extends Asked {
  readonly method: string
  readonly url: { readonly path: string; readonly search?: string }
  readonly tenant?: string | undefined
  /** Where in the path the patterns begin. */
  readonly from?: number
  /** Gets the names of the headers that decide which route is found. */
  asked?: Set<string>
}

/** A route at one place of the tree. */
export interface Placed<D> extends Route<D> {
  /** Which route of its table it is, counted from the first. */
  readonly order: number
  /** Whether it stands here for the spelling that it does not have: with a slash at the end instead of none, or without. */
  readonly isTurned: boolean
  /** The parameters that handlers get as numbers; undefined when there are none. */
  readonly numbers: readonly string[] | undefined
}

/**
 * The routes that end at one place of the tree. Of those that take a request the first one is found: with a rule for the rest
 * before without one, with just this slash at the end, with a tenant, with the method by name, with more conditions on headers,
 * on the query, with the greater priority, then the one added earlier.
 */
export class Leaf<D> {
  readonly routes: Placed<D>[] = []
  private readonly everyone = new Methods<D>()
  /** By method, the routes that are found whatever else the request is: that is nearly all of them, and half the time. */
  private readonly certain = new Map<string, Placed<D>>()
  private tenants: Map<string, Methods<D>> | undefined
  private ruled: { readonly rest: Matcher; readonly pattern: Pattern; readonly leaf: Leaf<D> }[] | undefined
  private turned: Leaf<D> | undefined

  add(route: Placed<D>): void {
    this.routes.push(route)
    if (route.rest) this.ruledBy(route.rest, route.path).take(route)
    else if (route.isTurned) this.turnedLeaf().take(route)
    else this.take(route)
    for (const method of route.method ?? []) this.certain.delete(method)
    if (this.ruled || this.tenants) this.certain.clear()
    else for (const [method, certain] of this.everyone.certain()) this.certain.set(method, certain)
  }

  find(ask: Ask): Placed<D> | undefined {
    const certain = this.certain.get(ask.method)
    if (certain !== undefined) return certain
    const ruled = this.ruled && this.findRuled(ask)
    return ruled ?? this.own(ask) ?? this.turned?.own(ask)
  }

  /** Adds the methods with which the same request would be taken. */
  addMethods(ask: Ask, methods: Set<string>): void {
    for (const { rest, pattern, leaf } of this.ruled ?? []) if (fits(rest, pattern, ask)) leaf.addMethods(ask, methods)
    for (const each of [this.everyone, this.ofTenant(ask), this.turned?.everyone, this.turned?.ofTenant(ask)]) {
      each?.addNames(ask, methods)
    }
  }

  private take(route: Placed<D>): void {
    for (const tenant of route.tenants ?? []) this.tenantsMethods(tenant).add(route)
    if (!route.tenants) this.everyone.add(route)
  }

  private own(ask: Ask): Placed<D> | undefined {
    return this.tenants === undefined ? this.everyone.find(ask) : (this.ofTenant(ask)?.find(ask) ?? this.everyone.find(ask))
  }

  private ofTenant({ tenant }: Ask): Methods<D> | undefined {
    return tenant === undefined ? undefined : this.tenants?.get(tenant)
  }

  private findRuled(ask: Ask): Placed<D> | undefined {
    for (const { rest, pattern, leaf } of this.ruled ?? []) {
      const found = fits(rest, pattern, ask) ? leaf.own(ask) : undefined
      if (found) return found
    }
    return undefined
  }

  private ruledBy(rest: Matcher, pattern: Pattern): Leaf<D> {
    this.ruled ??= []
    const found = this.ruled.find((each) => each.rest.id === rest.id)
    if (found) return found.leaf
    const leaf = new Leaf<D>()
    this.ruled.push({ rest, pattern, leaf })
    this.ruled.sort((a, b) => a.rest.rank - b.rest.rank)
    return leaf
  }

  private turnedLeaf(): Leaf<D> {
    this.turned ??= new Leaf()
    return this.turned
  }

  private tenantsMethods(tenant: string): Methods<D> {
    this.tenants ??= new Map()
    const found = this.tenants.get(tenant) ?? new Methods()
    this.tenants.set(tenant, found)
    return found
  }
}

/** Whether the rest of the path is what the rule says. */
export function fits(rest: Matcher, pattern: Pattern, { url, from = 0 }: Ask): boolean {
  const captured = capture(pattern, url.path, from)
  return captured.malformed === undefined && rest.accepts(captured.params[pattern.rest as string] as string)
}

/** Routes that differ in their methods and conditions. */
class Methods<D> {
  private readonly byName = new Map<string, Placed<D>[]>()
  private any: Placed<D>[] | undefined

  add(route: Placed<D>): void {
    if (!route.method) {
      this.any ??= []
      insert(this.any, route)
    }
    for (const name of route.method ?? []) {
      const routes = this.byName.get(name) ?? []
      insert(routes, route)
      this.byName.set(name, routes)
    }
  }

  /** HEAD is GET without the content (RFC 9110 §9.3.2), so that whatever guards GET here guards HEAD as well. */
  find(ask: Ask): Placed<D> | undefined {
    const found = first(this.byName.get(ask.method), ask)
    if (found !== undefined) return found
    return (ask.method === 'HEAD' ? first(this.byName.get('GET'), ask) : undefined) ?? first(this.any, ask)
  }

  /** Those that come first of their method, and have no conditions. */
  certain(): [method: string, route: Placed<D>][] {
    return [...this.byName].flatMap(([method, [route]]) => (route && isFree(route) ? [[method, route]] : []))
  }

  addNames(ask: Ask, methods: Set<string>): void {
    for (const [name, routes] of this.byName) if (first(routes, ask)) methods.add(name)
    if (first(this.any, ask)) for (const name of usualMethods) methods.add(name)
  }
}

function first<D>(routes: readonly Placed<D>[] | undefined, ask: Ask): Placed<D> | undefined {
  if (routes === undefined) return undefined
  for (let at = 0; at < routes.length; at++) {
    const route = routes[at] as Placed<D>
    if (route.headers.length > 0 && !hasHeaders(route.headers, ask)) continue
    if (route.query.length > 0 && failedQuery(route.query, ask)) continue
    return route
  }
  return undefined
}

function hasHeaders(conditions: readonly FieldCondition[], ask: Ask): boolean {
  ask.asked ??= new Set()
  for (const { name } of conditions) ask.asked.add(name)
  return failedHeader(conditions, ask) === undefined
}

const isFree = <D>({ headers, query }: Placed<D>): boolean => headers.length === 0 && query.length === 0

function insert<D>(routes: Placed<D>[], route: Placed<D>): void {
  const after = routes.findIndex((other) => compareConditions(route, other) < 0)
  routes.splice(after < 0 ? routes.length : after, 0, route)
}

/** Which of two routes that differ in nothing else goes first: negative for `a`. */
function compareConditions<D>(a: Placed<D>, b: Placed<D>): number {
  return b.headers.length - a.headers.length || b.query.length - a.query.length || b.priority - a.priority || a.order - b.order
}
