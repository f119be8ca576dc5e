import { type Context, type GatewayError, isHeard, type Lease, type Outcome, publish } from '@gatelet/core'

/** One attempt, for those who hear of it. */
export interface AttemptAt {
  readonly ctx: Context
  readonly lease: Lease
  /** Counts from 0. */
  readonly number: number
}

/** Tells the balancer, and whoever listens, how an attempt went. Once for each. */
export function attempted({ ctx, lease, number }: AttemptAt, outcome: Outcome, error?: GatewayError): void {
  lease.answered(outcome)
  if (isHeard('upstream:attempted'))
    publish('upstream:attempted', { context: ctx, endpoint: lease.endpoint, attempt: number, outcome, error })
}
