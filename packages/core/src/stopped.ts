import type { Context } from './contract.ts'
import { GatewayError } from './errors.ts'

/**
 * Why nobody wants the answer any more: the client left, or the time is over. For exchanges that were aborted (`ctx.onAbort`),
 * or are over. Makes the exchange's signal: not for the way of every request.
 */
export function stopReason<S extends object>(ctx: Context<S>): GatewayError {
  const reason: unknown = ctx.signal.reason
  if (reason instanceof GatewayError) return reason
  // A layer that narrowed the exchange by `AbortSignal.timeout()`.
  const isTimeout = reason instanceof Error && reason.name === 'TimeoutError'
  return new GatewayError(isTimeout ? 'DEADLINE_EXCEEDED' : 'CLIENT_CLOSED', { cause: reason })
}
