import {
  amended,
  type Context,
  discard,
  type ErrorCode,
  errorTable,
  exchangeOf,
  isPromise,
  type Middleware,
  type Reply,
  systemClock,
  withAttemptFields,
} from '@gatelet/core'
import { codeForHttp, type Status, statusOfCode } from './status.ts'
import { protocolOf } from './wire/content-type.ts'
import { EndedBody } from './wire/ended-body.ts'
import { statusFields } from './wire/status-fields.ts'
import { timeoutMsIn, timeoutText } from './wire/timeout.ts'

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

/**
 * The exchange, to be over when the client's `grpc-timeout` is. Each attempt at a server is told what is left of the deadline by
 * then: waiting and attempts before have taken their part of it.
 */
export function withTimeout<S extends object>(ctx: Context<S>): Context<S> {
  const timeoutMs = timeoutMsIn(ctx.request.headers.get('grpc-timeout'))
  const clock = exchangeOf(ctx)?.clock ?? systemClock
  const asking = timeoutMs === undefined ? ctx : ctx.withDeadline(clock.now() + timeoutMs)
  const { deadline } = asking
  if (deadline === undefined) return asking
  return withAttemptFields(asking, () => [['grpc-timeout', timeoutText(deadline - clock.now())]])
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
  const problem = isProblem ? problemIn(body) : undefined
  if (!problem) return { code: codeForHttp(status), message: `HTTP status ${status}` }
  const { title, detail } = problem
  return { code: statusOfCode(codeIn(problem), status), message: detail === undefined ? title : `${title}. ${detail}` }
}

/** A problem of RFC 9457 with a title, as layers write it; undefined for what only says that it is one. */
function problemIn(body: string): { code?: unknown; title: string; detail?: string } | undefined {
  try {
    const { code, title, detail } = JSON.parse(body)
    if (typeof title !== 'string') return undefined
    return typeof detail === 'string' ? { code, title, detail } : { code, title }
  } catch {
    return undefined
  }
}

const codeIn = ({ code }: { code?: unknown }): ErrorCode | undefined =>
  typeof code === 'string' && Object.hasOwn(errorTable, code) ? (code as ErrorCode) : undefined

/** The same reply, whose body ends with a status even where it breaks off. */
function withEnd(reply: Reply, ctx: Context): Reply {
  const { body } = reply
  const isStream = body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)
  if (isStream && protocolOf(reply.headers)) reply.body = new EndedBody(body, ctx)
  return reply
}
