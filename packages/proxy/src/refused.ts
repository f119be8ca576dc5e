import { GatewayError, type Refusal } from '@gatelet/core'

const codes = {
  'none-healthy': 'NO_ENDPOINT',
  'queue-full': 'QUEUE_FULL',
  'queue-timeout': 'QUEUE_TIMEOUT',
  draining: 'DRAINING',
} as const

/** What a balancer's refusal is for the client: 503, with `Retry-After` in whole seconds where the balancer knows it. */
export function refused({ reason, retryAfterMs }: Refusal): GatewayError {
  const headers = retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }
  return new GatewayError(codes[reason], { headers })
}
