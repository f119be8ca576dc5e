import { type Clock, GatewayError, type Handler, isPromise, type MaybePromise, type Reply } from '@gatelet/core'
import { type AttemptAt, attempted, released } from './attempted.ts'

/** Asks an endpoint that is a function in this process. Its slot is held until the exchange is over. */
export function askHandler(attempt: AttemptAt, handler: Handler, clock: Clock): MaybePromise<Reply> {
  const { ctx, lease } = attempt
  const startedAt = clock.now()
  const latencyMs = () => clock.now() - startedAt
  ctx.onFinish(() => released(lease))
  const answered = (reply: Reply): Reply => {
    const { status } = reply
    attempted(attempt, { kind: status >= 500 ? 'failure' : 'success', latencyMs: latencyMs(), status })
    return reply
  }
  const failed = (error: unknown): never => {
    const isOwn = !(error instanceof GatewayError) || error.side !== 'client'
    attempted(attempt, { kind: isOwn ? 'failure' : 'cancelled', latencyMs: latencyMs() })
    throw error
  }
  try {
    const reply = handler(ctx)
    return isPromise(reply) ? reply.then(answered, failed) : answered(reply)
  } catch (error) {
    return failed(error)
  }
}
