import { type Check, type Checks, options } from '@gatelet/core'

/** What a balancer makes of the lists that its source finds. Plays no part where `endpoints` is an array. */
export interface DiscoveryOptions {
  /**
   * What an empty list means. `keep`: something is wrong with the source, and the list before stays, as it does after a
   * failure; servers that are really gone are ejected. `accept`: there are none, and requests are refused. Default `keep`. An
   * empty list that is the first one is taken as it is.
   */
  onEmpty?: 'keep' | 'accept'
  /** How many endpoints are taken, 1 to 100,000. Of more, those that are there already stay, and the first of the others. Default 1,000. */
  maxEndpoints?: number
  /** The shortest time from one change of the list to the next, in milliseconds, 0 to 60,000; the last list counts. Default 100. */
  coalesceMs?: number
}

/** Checked, with every default. */
export type DiscoveryRules = Readonly<Required<DiscoveryOptions>>

const { number, oneOf, optional, shape } = options

const checks: Checks<DiscoveryOptions> = {
  onEmpty: optional(oneOf('keep', 'accept')),
  maxEndpoints: optional(number({ min: 1, max: 100_000, integer: true })),
  coalesceMs: optional(number({ min: 0, max: 60_000, unit: 'milliseconds' })),
}

export const discoveryOptions: Check<DiscoveryOptions> = shape(checks)

export function discoveryRules({ onEmpty = 'keep', maxEndpoints = 1_000, coalesceMs = 100 }: DiscoveryOptions): DiscoveryRules {
  return { onEmpty, maxEndpoints, coalesceMs }
}
