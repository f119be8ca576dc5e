import { type Clock, chain, empty, type Handler, type Middleware, notFound } from '@gatelet/core'
import { mirror, type RetryOptions } from '@gatelet/proxy'
import {
  type Condition,
  cors,
  createRouter,
  type Redirect,
  type RouteOptions,
  redirect,
  requestHeaders,
  responseHeaders,
  rewrite,
  split,
  timeout,
} from '@gatelet/router'
import { sharedHostnames } from './hostnames.ts'
import type {
  FieldMatch,
  HeaderModifier,
  HttpRoute,
  HttpRouteFilter,
  HttpRouteMatch,
  HttpRouteRule,
  Listener,
  PathModifier,
  RequestMirror,
  Retry,
} from './http-route.ts'

/** What a gateway is made of beside its routes. */
export interface Parts {
  /** Undefined: there is none of this name. */
  backend(name: string, retries?: RetryOptions): Handler | undefined
  readonly listeners: readonly Listener[]
  readonly clock: Clock
}

/** Makes `HTTPRoute`s into a router with our filters. Each listener keeps to its own routes. */
export function gatewayOf(routes: readonly HttpRoute[], parts: Parts): Handler {
  const router = createRouter()
  for (const { name, hostname } of parts.listeners) {
    const own = routes.filter((route) => route.listener === undefined || route.listener === name)
    const where = hostname === undefined ? {} : { host: hostname }
    router.route({ ...where, path: '/*' }, listenerOf(own, hostname, parts))
  }
  return router
}

function listenerOf(routes: readonly HttpRoute[], hostname: string | undefined, parts: Parts): Handler {
  const router = createRouter()
  const taken = new Set<string>()
  const add = (where: RouteOptions, handler: Handler) => {
    // Of two that match just the same requests, only the one that goes first is ever asked.
    const key = JSON.stringify(where)
    if (taken.has(key)) return
    taken.add(key)
    router.route(where, handler)
  }
  for (const route of [...routes].sort(byAge)) {
    const hosts = sharedHostnames(hostname, route.hostnames)
    for (const rule of hosts?.length === 0 ? [] : route.rules) {
      for (const match of rule.matches?.length ? rule.matches : [{}]) {
        const handler = handlerOf(rule, match, parts)
        // One by one, so that a host that is taken does not keep the others from being added.
        for (const host of hosts ?? [undefined]) add(whereOf(match, host), handler)
      }
    }
  }
  // A rule that does not match because of its method is none: 404 instead of 405.
  add(whereOf({}, undefined), notFound)
  return router
}

// Of routes that are equal in all else: the older one, then by namespace and name.
function byAge(a: HttpRoute, b: HttpRoute): number {
  const [nameA, nameB] = [a.name ?? 'default/route', b.name ?? 'default/route']
  return (a.created ?? 0) - (b.created ?? 0) || (nameA < nameB ? -1 : Number(nameA > nameB))
}

function whereOf({ path, method, headers, queryParams }: HttpRouteMatch, host: string | undefined): RouteOptions {
  return {
    path: patternOf(path),
    ...(host !== undefined && { host }),
    ...(method !== undefined && { method }),
    ...(headers && { headers: conditionsOf(headers, (name) => name.toLowerCase()) }),
    ...(queryParams && { query: conditionsOf(queryParams, (name) => name) }),
  }
}

function patternOf({ type = 'PathPrefix', value }: NonNullable<HttpRouteMatch['path']> = { value: '/' }): string {
  return type === 'Exact' ? value : `${value.replace(/\/$/, '')}/*`
}

// Of several with the same name only the first counts.
function conditionsOf(fields: readonly FieldMatch[], keyOf: (name: string) => string): Record<string, Condition> {
  const pairs = fields.map(
    ({ type, name, value }) => [keyOf(name), type === 'RegularExpression' ? new RegExp(value) : value] as const,
  )
  return Object.fromEntries([...pairs].reverse())
}

function handlerOf(
  { filters = [], backendRefs = [], timeouts = {}, retry }: HttpRouteRule,
  match: HttpRouteMatch,
  parts: Parts,
): Handler {
  const redirection = filters.find((filter) => filter.type === 'RequestRedirect')
  if (redirection && filters.some(({ type }) => type === 'URLRewrite')) throw new Error('a rewrite and a redirect')
  const layers = filters.flatMap((filter) => (filter === redirection ? [] : layersOf(filter, match, parts)))
  const limits = { requestMs: millisecondsOf(timeouts.request), backendRequestMs: millisecondsOf(timeouts.backendRequest) }
  const last = redirection ? redirectOf(redirection, match) : backendsOf(backendRefs, match, parts, retry)
  return layered([...layers, timeout(limits)], last)
}

function backendsOf(
  refs: NonNullable<HttpRouteRule['backendRefs']>,
  match: HttpRouteMatch,
  parts: Parts,
  retry: Retry | undefined,
): Handler {
  if (refs.length === 0) return () => empty({ status: 500 })
  const shares = refs.map(({ name, weight = 1, filters = [] }) => {
    const backend = parts.backend(name, retry && retriesOf(retry))
    const layers = filters.flatMap((filter) => layersOf(filter, match, parts))
    return { weight, to: backend && layered(layers, backend) }
  })
  return split(shares, { clock: parts.clock })
}

// A budget keeps retries from making an overload worse. The specification has none, and here attempts are counted.
function retriesOf({ codes = [], attempts, backoff }: Retry): RetryOptions {
  const waits = backoff === undefined ? {} : { baseMs: millisecondsOf(backoff), maxMs: millisecondsOf(backoff) }
  return { statuses: codes, budget: false, ...(attempts !== undefined && { max: attempts }), ...waits }
}

function layersOf(filter: HttpRouteFilter, match: HttpRouteMatch, parts: Parts): Middleware[] {
  if (filter.type !== 'RequestMirror') return [layerOf(filter, match)]
  const { backendRef, ...share } = filter.requestMirror
  const to = parts.backend(backendRef.name)
  // A mirror that leads nowhere is dropped.
  return to ? [mirror(to, { share: shareOf(share), clock: parts.clock })] : []
}

function shareOf({ percent, fraction }: Omit<RequestMirror, 'backendRef'>): number {
  if (percent !== undefined && fraction) throw new Error('a percentage and a fraction')
  return fraction ? fraction.numerator / (fraction.denominator ?? 100) : (percent ?? 100) / 100
}

function layerOf(filter: Exclude<HttpRouteFilter, { type: 'RequestMirror' }>, match: HttpRouteMatch): Middleware {
  switch (filter.type) {
    case 'RequestHeaderModifier':
      return requestHeaders(changesOf(filter.requestHeaderModifier))
    case 'ResponseHeaderModifier':
      return responseHeaders(changesOf(filter.responseHeaderModifier))
    case 'URLRewrite': {
      const { hostname, path } = filter.urlRewrite
      return rewrite({ ...(hostname !== undefined && { host: hostname }), ...pathOf(path, match) })
    }
    case 'CORS':
      return cors({ ...without(filter.cors, 'maxAge'), maxAgeS: filter.cors.maxAge ?? 5 })
    case 'RequestRedirect':
      throw new Error('a redirect is no layer')
  }
}

function redirectOf(filter: HttpRouteFilter, match: HttpRouteMatch): Redirect {
  if (filter.type !== 'RequestRedirect') throw new Error('no redirect')
  const { scheme, hostname, path, port, statusCode } = filter.requestRedirect
  return redirect({
    ...(scheme !== undefined && { scheme }),
    ...(hostname !== undefined && { host: hostname }),
    ...(port !== undefined && { port }),
    ...(statusCode !== undefined && { status: statusCode }),
    ...pathOf(path, match),
  })
}

function pathOf(path: PathModifier | undefined, match: HttpRouteMatch): { path?: string; prefix?: string } {
  if (!path) return {}
  if (path.type === 'ReplaceFullPath') return { path: path.replaceFullPath }
  if (match.path?.type === 'Exact') throw new Error('ReplacePrefixMatch needs a prefix to replace')
  return { prefix: path.replacePrefixMatch }
}

function changesOf({ set, add, remove }: HeaderModifier): {
  set?: Record<string, string>
  add?: Record<string, string>
  remove?: string[]
} {
  const fieldsOf = (fields: NonNullable<HeaderModifier['set']>) =>
    Object.fromEntries(fields.map(({ name, value }) => [name, value]))
  return { ...(set && { set: fieldsOf(set) }), ...(add && { add: fieldsOf(add) }), ...(remove && { remove: [...remove] }) }
}

function layered(layers: readonly Middleware[], handler: Handler): Handler {
  return layers.reduce((before, layer) => before.use(layer), chain()).to(handler)
}

const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** Of a GEP-2257 duration. */
function millisecondsOf(duration = '0s'): number {
  return [...duration.matchAll(/(\d+)(ms|h|m|s)/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0),
    0,
  )
}

function without<T extends object, K extends keyof T>(object: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = object
  return rest
}
