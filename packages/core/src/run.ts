import { amendFailure } from './amend.ts'
import { discard, isBody } from './body.ts'
import type { Chain } from './chain.ts'
import type { Context, Handler, Reply } from './contract.ts'
import { GatewayError } from './errors.ts'
import { publish } from './events.ts'
import { shown, wrong } from './options.ts'
import { isPromise } from './promise.ts'
import { problem } from './reply.ts'

/**
 * What an adapter takes: a handler, a layer that may or may not answer itself, or a chain; nothing that needs state, since
 * there is none yet. (Of functions one type only: TypeScript gives an inline function no types where a union has several.)
 */
export type Layer = ((ctx: Context, next: Handler) => ReturnType<Handler>) | Chain<object, {}>

/**
 * Any layer as a handler.
 * @param next who answers when the layer asks on; default: 404
 * @throws GatewayError `BAD_OPTION` for what is no layer
 */
export function handlerOf(layer: Layer, next: Handler = notFound): Handler {
  const middleware = typeof layer === 'function' ? layer : layer?.layer?.()
  if (typeof middleware !== 'function') throw wrong(layer, 'layer', 'a handler, a layer or a chain')
  return (ctx) => middleware(ctx, next)
}

/** Answers 404 to everything. */
export const notFound: Handler = () => problem(new GatewayError('NOT_FOUND'))

/**
 * Asks `handler` and hands its reply to `deliver`, exactly once. The one place where errors become replies: adapters
 * never decide a status. Throws nothing of the handler's, and leaves no promise behind.
 * @param deliver must not throw: nobody is left to catch it
 * @param fail takes what was thrown, instead of `deliver`; for an adapter that gives errors to its framework. Must not throw
 */
export function run(handler: Handler, ctx: Context, deliver: Deliver, fail?: Fail): void {
  let answer: ReturnType<Handler>
  try {
    answer = handler(ctx)
  } catch (error) {
    failed(error, ctx, deliver, fail)
    return
  }
  if (isPromise(answer)) {
    // `resolve` gives a promise back as it is, and keeps a thenable of somebody else from answering twice.
    Promise.resolve(answer).then(
      (reply) => answered(reply, ctx, deliver, fail),
      (error: unknown) => failed(error, ctx, deliver, fail),
    )
  } else {
    answered(answer, ctx, deliver, fail)
  }
}

type Deliver = (reply: Reply) => void
type Fail = ((error: unknown) => void) | undefined

function answered(reply: Reply, ctx: Context, deliver: Deliver, fail: Fail): void {
  const fault = faultOf(reply)
  if (fault === undefined) {
    deliver(reply)
    return
  }
  if (isBody(reply?.body)) discard(reply.body)
  failed(new GatewayError('BAD_REPLY', { message: fault }), ctx, deliver, fail)
}

function failed(error: unknown, ctx: Context, deliver: Deliver, fail: Fail): void {
  if (fail) fail(error)
  else deliver(failure(error, ctx))
}

/** The reply for something thrown, as layers have amended it; tells `request:failed` what it was. */
export function failure(error: unknown, context: Context): Reply {
  publish('request:failed', { context, error })
  return amendFailure(context, error, replyTo(error, context))
}

function replyTo(error: unknown, context: Context): Reply {
  try {
    return problem(error instanceof GatewayError ? error : new GatewayError('INTERNAL', { cause: error }))
  } catch (worse) {
    // The error's own headers are not what HTTP allows.
    publish('request:failed', { context, error: worse })
    return problem(new GatewayError('INTERNAL', { cause: worse }))
  }
}

// Whoever writes plain JavaScript finds out here, not by an error in the middle of writing to the socket.
function faultOf(reply: Partial<Reply> | null | undefined): string | undefined {
  if (typeof reply !== 'object' || reply === null || reply.status === undefined) return 'a handler answered without a Reply'
  const { status, headers, body, upgrade } = reply
  const isStatus = typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599
  if (!isStatus && !upgrade) return `${shown(status)} is not a status from 200 to 599`
  if (!Array.isArray(headers?.raw)) return 'the headers of a Reply must be a HeaderList'
  if (!isBody(body)) return 'the body of a Reply must be null, a string, bytes, a Readable or a Source'
  return undefined
}
