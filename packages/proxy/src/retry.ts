import type { Context, GatewayError } from '@gatelet/core'
import type { RequestBody } from './request-body.ts'
import type { RetrySettings } from './retry-options.ts'

/** Whether asking twice has the same effect as asking once: as the options say, or by the method (RFC 9110 §9.2.2). */
export function isRepeatable({ request }: Context, { repeatable }: RetrySettings): boolean {
  return repeatable ? repeatable(request) : idempotent.has(request.method)
}

const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY'])

/** How far an attempt had come. */
export interface Attempted {
  /** Bytes of the request may have reached the upstream. */
  readonly sent: boolean
  /** The connection had served another request before. */
  readonly reused: boolean
  /** The first byte of an answer had come. */
  readonly heard: boolean
}

/**
 * Whether a failed attempt may be followed by another: nothing of the request was sent, or it may be asked twice; and
 * the body can be sent again.
 */
export function mayRetry(error: GatewayError, attempt: Attempted, body: RequestBody, isRepeatable: () => boolean): boolean {
  if (!body.isReplayable) return false
  // No room at one endpoint: another may have some.
  if (error.code === 'QUEUE_FULL' || error.code === 'QUEUE_TIMEOUT') return true
  if (error.side !== 'upstream') return false
  return !attempt.sent || (error.retryable && isRepeatable())
}

/**
 * Whether an attempt failed because the upstream closed an idle connection (or spoke on it out of turn) at the moment when
 * it was used: a connection that had served before broke without a byte of an answer. That says nothing about the
 * endpoint's health.
 */
export function isKeepAliveRace(error: GatewayError, { reused, heard, sent }: Attempted): boolean {
  return reused && !heard && error.side === 'upstream' && (!sent || error.code === 'UPSTREAM_RESET')
}
