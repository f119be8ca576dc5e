import {
  attemptFieldsOf,
  type Context,
  type GatewayError,
  isHeard,
  type Lease,
  type Outcome,
  publish,
  withFields,
} from '@gatelet/core'

/** One attempt, for those who hear of it. */
export interface AttemptAt {
  readonly ctx: Context
  readonly lease: Lease
  /** Counts from 0. */
  readonly number: number
  /** Another attempt for the same request is under way. */
  readonly isHedge?: boolean
}

/** Tells the balancer, and whoever listens, how an attempt went. Once for each. */
export function attempted({ ctx, lease, number, isHedge = false }: AttemptAt, outcome: Outcome, error?: GatewayError): void {
  answered(lease, outcome)
  if (!isHeard('upstream:attempted')) return
  const { endpoint, target } = lease
  const origin = 'origin' in target ? target.origin : undefined
  publish('upstream:attempted', { context: ctx, endpoint, attempt: number, outcome, error, origin, isHedge })
}

/** Tells the balancer how it went. */
export function answered(lease: Lease, outcome: Outcome): void {
  try {
    lease.answered(outcome)
  } catch (thrown) {
    warn(thrown)
  }
}

/** What an attempt at a server sends: the request's fields, and those of its own that layers have asked for. */
export function fieldsFor(ctx: Context, headers: string[], { endpoint, target }: Lease, attempt: number): string[] {
  const fields = attemptFieldsOf(ctx)
  if (!fields || !('origin' in target)) return headers
  return withFields(headers, fields({ endpoint, attempt, origin: target.origin }))
}

/** Gives a lease back. */
export function released(lease: Lease): void {
  try {
    lease.release()
  } catch (thrown) {
    warn(thrown)
  }
}

// What a balancer throws must not keep the rest from being told and freed, nor end the process.
function warn(thrown: unknown): void {
  const told = thrown instanceof Error ? thrown.stack : String(thrown)
  process.emitWarning(`a balancer threw when it was told of an attempt: ${told}`, 'GateletWarning')
}
