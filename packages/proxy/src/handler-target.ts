import { type Clock, type Context, type Handler, isPromise, type Lease, type MaybePromise, type Reply } from '@gatelet/core'

/** Asks an endpoint that is a function in this process. Its slot is held until the exchange is over. */
export function askHandler(ctx: Context, lease: Lease, handler: Handler, clock: Clock): MaybePromise<Reply> {
  const startedAt = clock.now()
  const latencyMs = () => clock.now() - startedAt
  ctx.onFinish(() => lease.release())
  const answered = (reply: Reply): Reply => {
    lease.answered({ kind: reply.status >= 500 ? 'failure' : 'success', latencyMs: latencyMs(), status: reply.status })
    return reply
  }
  const failed = (error: unknown): never => {
    lease.answered({ kind: 'failure', latencyMs: latencyMs() })
    throw error
  }
  try {
    const reply = handler(ctx)
    return isPromise(reply) ? reply.then(answered, failed) : answered(reply)
  } catch (error) {
    return failed(error)
  }
}
