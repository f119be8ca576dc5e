import {
  boundedLoad,
  firstAvailable,
  leastRequests,
  maglev,
  peakEwma,
  random,
  rendezvous,
  ringHash,
  roundRobin,
  twoChoices,
} from '@gatelet/balancer'
import type { StrategyFactory } from '@gatelet/core'

/** Each strategy that sends a key to the same endpoint. */
export const hashing: readonly (readonly [name: string, factory: StrategyFactory])[] = [
  ['rendezvous', rendezvous],
  ['maglev', maglev()],
  ['ringHash', ringHash()],
]

/** The same with a bound. */
export const bounded: typeof hashing = hashing.map(([name, factory]) => [`boundedLoad(${name})`, boundedLoad(factory)])

/** Every strategy there is. */
export const everyStrategy: typeof hashing = [
  ['twoChoices', twoChoices],
  ['leastRequests', leastRequests],
  ['peakEwma', peakEwma()],
  ['roundRobin', roundRobin],
  ['random', random],
  ['firstAvailable', firstAvailable],
  ...hashing,
  ...bounded,
]
