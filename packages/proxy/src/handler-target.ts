import { type Clock, GatewayError, type Handler, isPromise, type MaybePromise, type Reply } from '@gatelet/core'
import { type AttemptAt, attempted, released } from './attempted.ts'
import type { RequestBody } from './request-body.ts'
import type { Attempted } from './retry.ts'

/** Asks an endpoint that is a function in this process. Its slot is held until the exchange is over, or until it fails. */
export function askHandler(attempt: AttemptAt, handler: Handler, clock: Clock): MaybePromise<Reply> {
  const { ctx, lease } = attempt
  const startedAt = clock.now()
  const latencyMs = () => clock.now() - startedAt
  let isReleased = false
  const release = () => {
    if (!isReleased) released(lease)
    isReleased = true
  }
  const undo = ctx.onFinish(release)
  const answered = (reply: Reply): Reply => {
    const { status } = reply
    attempted(attempt, { kind: status >= 500 ? 'failure' : 'success', latencyMs: latencyMs(), status })
    return reply
  }
  const failed = (error: unknown): never => {
    const isOwn = !(error instanceof GatewayError) || error.side !== 'client'
    attempted(attempt, { kind: isOwn ? 'failure' : 'cancelled', latencyMs: latencyMs() })
    undo()
    release()
    throw error
  }
  try {
    const reply = handler(ctx)
    return isPromise(reply) ? reply.then(answered, failed) : answered(reply)
  } catch (error) {
    return failed(error)
  }
}

/**
 * How far a function's attempt had come that failed: one that reads the request's own body as it comes cannot be followed by another.
 * What it says of servers that it asks itself is believed.
 */
export function attemptByHandler({ code }: GatewayError, { isHeld }: RequestBody): Attempted | undefined {
  return isHeld ? { sent: !unsent.has(code), reused: false, heard: false } : undefined
}

const unsent: ReadonlySet<string> = new Set(['UPSTREAM_CONNECT_FAILED', 'UPSTREAM_CONNECT_TIMEOUT', 'FUNCTION_BUSY'])
