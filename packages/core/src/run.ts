import { discard } from './body.ts'
import type { Chain } from './chain.ts'
import type { Context, Handler, Reply } from './contract.ts'
import { GatewayError } from './errors.ts'
import { publish } from './events.ts'
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
 */
export function handlerOf(layer: Layer, next: Handler = notFound): Handler {
  const middleware = typeof layer === 'function' ? layer : layer.layer()
  return (ctx) => middleware(ctx, next)
}

/** Answers 404 to everything. */
export const notFound: Handler = () => problem(new GatewayError('NOT_FOUND'))

/**
 * Asks `handler` and hands its reply to `deliver`, exactly once. The one place where errors become replies: adapters
 * never decide a status. Nothing is thrown and no promise is left behind.
 */
export function run(handler: Handler, ctx: Context, deliver: (reply: Reply) => void): void {
  let answer: ReturnType<Handler>
  try {
    answer = handler(ctx)
  } catch (error) {
    deliver(failure(error, ctx))
    return
  }
  if (isPromise(answer)) {
    answer.then(
      (reply) => deliver(checkedReply(reply, ctx)),
      (error: unknown) => deliver(failure(error, ctx)),
    )
  } else {
    deliver(checkedReply(answer, ctx))
  }
}

/** The reply for something thrown; tells `request:failed` what it was. */
export function failure(error: unknown, context: Context): Reply {
  publish('request:failed', { context, error })
  return problem(error instanceof GatewayError ? error : new GatewayError('INTERNAL', { cause: error }))
}

function checkedReply(reply: Reply, ctx: Context): Reply {
  const status: unknown = (reply as Reply | undefined)?.status
  const isValid = typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599
  if (isValid || reply?.upgrade) return reply
  if (reply?.body) discard(reply.body)
  const message =
    status === undefined ? 'a handler answered without a Reply' : `${String(status)} is not a status from 200 to 599`
  return failure(new GatewayError('BAD_REPLY', { message }), ctx)
}
