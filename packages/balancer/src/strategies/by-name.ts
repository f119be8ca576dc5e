import type { StrategyFactory } from '@gatelet/core'
import { firstAvailable } from './first-available.ts'
import { leastRequests } from './least-requests.ts'
import { maglev } from './maglev.ts'
import { peakEwma } from './peak-ewma.ts'
import { random } from './random.ts'
import { rendezvous } from './rendezvous.ts'
import { ringHash } from './ring-hash.ts'
import { roundRobin } from './round-robin.ts'
import { twoChoices } from './two-choices.ts'

/**
 * The strategies that can be named in options, those that have options of their own with their defaults. `hash` is
 * `rendezvous`, for any number of endpoints: were it another strategy for many, an endpoint more or less could move
 * nearly all keys.
 */
export type StrategyName =
  | 'two-choices'
  | 'least-requests'
  | 'peak-ewma'
  | 'round-robin'
  | 'random'
  | 'first-available'
  | 'hash'
  | 'rendezvous'
  | 'maglev'
  | 'ring-hash'

/** The strategies by their names: to compare all of them, or to offer a choice. */
export const strategies: Readonly<Record<StrategyName, StrategyFactory>> = Object.freeze({
  'two-choices': twoChoices,
  'least-requests': leastRequests,
  'peak-ewma': peakEwma(),
  'round-robin': roundRobin,
  random,
  'first-available': firstAvailable,
  hash: rendezvous,
  rendezvous,
  maglev: maglev(),
  'ring-hash': ringHash(),
})
