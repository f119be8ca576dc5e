import { type Checks, type Clock, options } from '@gatelet/core'

/** Which requests are mirrored, and what that may cost. */
export interface MirrorOptions {
  /** Of all requests, 0 to 1: `0.05` for five percent, `1 / 3` for a fraction. Default 1. */
  share?: number
  /** For the whole answer of the mirror, in milliseconds; then it is stopped. Default 5,000. */
  timeoutMs?: number
  /** Mirrored requests at the same time, 1 to 100,000; others are not mirrored meanwhile. Default 100. */
  maxInflight?: number
  /**
   * Longest request body that is mirrored, in bytes, 0 to 16 MiB. So much of each is held until the mirror has answered. 0:
   * only requests without a body are mirrored. Default 65,536.
   */
  maxBodyBytes?: number
  /** Where time and chance come from. */
  clock?: Clock
}

const { clock, milliseconds, number, optional } = options

/** What each option must be. */
export const mirrorChecks: Checks<MirrorOptions> = {
  share: optional(number({ min: 0, max: 1 })),
  timeoutMs: optional(milliseconds()),
  maxInflight: optional(number({ min: 1, max: 100_000, integer: true })),
  maxBodyBytes: optional(number({ min: 0, max: 16_777_216, integer: true, unit: 'bytes' })),
  clock: optional(clock),
}
