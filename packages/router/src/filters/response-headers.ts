import { amended, type Context, checkOptions, discard, type Middleware, type Reply } from '@gatelet/core'
import { changing, type HeaderChanges, headerChangesChecks } from './header-changes.ts'

/** The value of a reply's field: a text, or what makes one of request and reply; undefined leaves the field as it is. */
export type ResponseHeaderValue<S extends object = {}> = string | ((ctx: Context<S>, reply: Reply) => string | undefined)

/** What is done to the header fields of replies, in this order. Case of names does not count. */
export interface ResponseHeadersOptions<S extends object = {}> {
  /** Fields by name; each takes the place of all of that name. */
  set?: Readonly<Record<string, ResponseHeaderValue<S>>>
  /** Fields by name; each comes behind those of that name, on a line of its own (RFC 9110 §5.3). */
  add?: Readonly<Record<string, ResponseHeaderValue<S>>>
  /** Names of fields to take away. */
  remove?: readonly string[]
}

/**
 * Changes the header fields of replies, of errors and agreed handshakes too: the `ResponseHeaderModifier` of the Gateway API.
 * `Content-Length` and what belongs to one connection cannot be changed.
 * @throws GatewayError `BAD_OPTION` at once; at a request, what a function throws, and `BAD_HEADER` for what it made and HTTP does
 * not allow. (The reply of an error stays what it is then, and the mistake is told on `gatelet:request:failed`.)
 * @example responseHeaders({ set: { 'cache-control': 'no-store' }, remove: ['server'] })
 */
export function responseHeaders<S extends object = {}>(options: ResponseHeadersOptions<S>): Middleware<S> {
  const change = changing(checkOptions<HeaderChanges<[Context<S>, Reply]>>('responseHeaders', options, checks))
  return function responseHeaders(ctx, next) {
    return amended(ctx, next, (reply) => {
      try {
        change(reply.headers, ctx, reply)
      } catch (error) {
        discard(reply.body)
        throw error
      }
    })
  }
}

const checks = headerChangesChecks<[Context, Reply]>()
