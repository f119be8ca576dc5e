import { type Context, checkOptions, type Middleware } from '@gatelet/core'
import { changing, type HeaderChanges, headerChangesChecks } from './header-changes.ts'

/** The value of a request's field: a text, or what makes one of the request; undefined leaves the field as it is. */
export type RequestHeaderValue<S extends object = {}> = string | ((ctx: Context<S>) => string | undefined)

/** What is done to the header fields of requests, in this order. Case of names does not count. */
export interface RequestHeadersOptions<S extends object = {}> {
  /** Fields by name; each takes the place of all of that name. */
  set?: Readonly<Record<string, RequestHeaderValue<S>>>
  /** Fields by name; each comes behind those of that name, on a line of its own (RFC 9110 §5.3). */
  add?: Readonly<Record<string, RequestHeaderValue<S>>>
  /** Names of fields to take away. */
  remove?: readonly string[]
}

/**
 * Changes the header fields that those behind it see, and the upstream: the `RequestHeaderModifier` of the Gateway API. Functions
 * see the request as it came here. `Content-Length` and what belongs to one connection cannot be changed, nor `Host`: see `rewrite`.
 * @throws GatewayError `BAD_OPTION` at once; at a request, `BAD_HEADER` for what a function made and HTTP does not allow
 * @example requestHeaders({ set: { 'x-tenant': (ctx) => ctx.state.params.tenant }, remove: ['cookie'] })
 */
export function requestHeaders<S extends object = {}>(options: RequestHeadersOptions<S>): Middleware<S> {
  const change = changing(checkOptions<HeaderChanges<[Context<S>]>>('requestHeaders', options, checks))
  return function requestHeaders(ctx, next) {
    const headers = ctx.request.headers.clone()
    change(headers, ctx)
    return next(ctx.withRequest({ headers }))
  }
}

const checks = headerChangesChecks<[Context]>({ host: 'rewrite({ host })' })
