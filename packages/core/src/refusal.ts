import type { Refusal } from './balancing.ts'
import { GatewayError } from './errors.ts'

const codes = {
  'none-healthy': 'NO_ENDPOINT',
  'queue-full': 'QUEUE_FULL',
  'queue-timeout': 'QUEUE_TIMEOUT',
  overloaded: 'OVERLOADED',
  draining: 'DRAINING',
} as const

/** What a balancer's refusal is for who asked: 503, with `Retry-After` in whole seconds where the balancer knows it. */
export function refusalError({ reason, retryAfterMs }: Refusal): GatewayError {
  const headers = retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }
  return new GatewayError(codes[reason], { headers })
}
