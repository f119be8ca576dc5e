import type { GatewayError } from '@gatelet/core'
import type { RequestBody } from './request-body.ts'

// RFC 9110 §9.2.2: asking twice has the same effect as asking once.
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'QUERY'])

/**
 * Whether a failed attempt may be followed by another: nothing of the request was sent, or the method is idempotent; and
 * the body can be sent again.
 */
export function mayRetry(error: GatewayError, sent: boolean, method: string, body: RequestBody): boolean {
  if (!error.retryable || !body.isReplayable) return false
  // No room at one endpoint: another may have some.
  if (error.code === 'QUEUE_FULL' || error.code === 'QUEUE_TIMEOUT') return true
  return error.side === 'upstream' && (!sent || idempotent.has(method))
}

/**
 * Whether an attempt failed because the upstream closed an idle connection at the moment when it was used: a connection
 * that had served before broke without a byte of an answer. That says nothing about the endpoint's health.
 */
export function isKeepAliveRace(error: GatewayError, attempt: { readonly reused: boolean; readonly heard: boolean }): boolean {
  return attempt.reused && !attempt.heard && error.code === 'UPSTREAM_RESET'
}
