import type { StrategyFactory } from '@gatelet/core'
import { leastRequests } from './least-requests.ts'
import { random } from './random.ts'
import { roundRobin } from './round-robin.ts'
import { twoChoices } from './two-choices.ts'

/** The strategies that can be named in options. */
export type StrategyName = 'two-choices' | 'least-requests' | 'round-robin' | 'random'

export const strategies: Readonly<Record<StrategyName, StrategyFactory>> = {
  'two-choices': twoChoices,
  'least-requests': leastRequests,
  'round-robin': roundRobin,
  random,
}
