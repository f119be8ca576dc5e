import {
  amended,
  type Context,
  discard,
  type ErrorCode,
  exchangeOf,
  isPromise,
  type Middleware,
  type Reply,
  systemClock,
} from '@gatelet/core'
import { codeForHttp, type Status, statusOfCode } from './status.ts'
import { protocolOf } from './wire/content-type.ts'
import { EndedBody } from './wire/ended-body.ts'
import { statusFields } from './wire/status-fields.ts'
import { timeoutMsIn } from './wire/timeout.ts'

/**
 * Makes a chain one that clients of gRPC and gRPC-Web can talk to. Their `grpc-timeout` becomes the deadline of the exchange, and
 * what is no answer of gRPC (a 401 of `auth`, a 503 because no server is there, a page of some other proxy) reaches them as a
 * status of gRPC. Other requests pass as they are. Place it first.
 */
export function grpc(): Middleware {
  return function grpc(ctx, next) {
    const protocol = protocolOf(ctx.request.headers)
    if (!protocol) return next(ctx)
    const type = ctx.request.headers.get('content-type') as string
    const asking = withTimeout(ctx)
    const reply = amended(asking, next, (given) => translateFailure(given, type))
    if (protocol !== 'grpc') return reply
    return isPromise(reply) ? reply.then((late) => withEnd(late, ctx)) : withEnd(reply, ctx)
  }
}

/** The exchange, to be over when the client's `grpc-timeout` is. */
export function withTimeout<S extends object>(ctx: Context<S>): Context<S> {
  const timeoutMs = timeoutMsIn(ctx.request.headers.get('grpc-timeout'))
  if (timeoutMs === undefined) return ctx
  const clock = exchangeOf(ctx)?.clock ?? systemClock
  return ctx.withDeadline(clock.now() + timeoutMs)
}

/** Makes a reply that is none of gRPC's a "Trailers-Only" one: a status in the head, and nothing behind it. */
function translateFailure(reply: Reply, type: string): void {
  if (protocolOf(reply.headers)) return
  const { code, message, details } = statusOfReply(reply)
  discard(reply.body)
  const { headers } = reply
  for (const name of ofContent) headers.delete(name)
  for (const [name, value] of statusFields({ code, message, details })) headers.set(name, value)
  headers.set('content-type', type)
  reply.status = 200
  reply.body = null
}

const ofContent = ['content-type', 'content-length', 'content-encoding', 'content-language', 'content-range', 'etag', 'vary']

/** What an answer of HTTP is in gRPC: by the code of a problem of ours, else by its status alone. */
function statusOfReply({ status, headers, body }: Reply): Status {
  const isProblem = typeof body === 'string' && headers.get('content-type') === 'application/problem+json'
  if (!isProblem) return { code: codeForHttp(status), message: `HTTP status ${status}` }
  const { code, title, detail } = JSON.parse(body) as { code?: ErrorCode; title?: string; detail?: string }
  return { code: statusOfCode(code, status), message: detail === undefined ? `${title}` : `${title}. ${detail}` }
}

/** The same reply, whose body ends with a status even where it breaks off. */
function withEnd(reply: Reply, ctx: Context): Reply {
  const { body } = reply
  const isStream = body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)
  if (isStream && protocolOf(reply.headers)) reply.body = new EndedBody(body, ctx)
  return reply
}
