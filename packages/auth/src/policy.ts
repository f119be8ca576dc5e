import type { Context, MaybePromise } from '@gatelet/core'
import type { Claims, Principal } from './principal.ts'

/** Why a policy does not hold. */
export interface Denial {
  /** Stable and short, for metrics and logs: `scope`, `role`. */
  readonly reason: string
  /** The scopes that would do, for the challenge of `insufficient_scope` (RFC 6750 §3.1). */
  readonly scopes?: readonly string[]
}

/**
 * Whether a principal may do what it asks for. What it does not say it denies: only `undefined` allows.
 * @returns undefined where it may. What throws or rejects is a failure of the gateway, and nobody gets through.
 */
export type Policy<C extends object = Claims> = (principal: Principal<C>, ctx: Context) => MaybePromise<Denial | undefined>
