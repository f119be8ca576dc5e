import { type Context, GatewayError } from '@gatelet/core'

/** Why nobody wants the answer any more. For exchanges that were aborted, or are over. */
export function stopReason(ctx: Context): GatewayError {
  const reason: unknown = ctx.signal.reason
  if (reason instanceof GatewayError) return reason
  // A layer that narrowed the exchange by `AbortSignal.timeout()`.
  const isTimeout = reason instanceof Error && reason.name === 'TimeoutError'
  return new GatewayError(isTimeout ? 'DEADLINE_EXCEEDED' : 'CLIENT_CLOSED', { cause: reason })
}
