import { boundedLoad, type StrategyName, strategies } from '@gatelet/balancer'
import type { StrategyFactory } from '@gatelet/core'

type Named = readonly (readonly [name: string, factory: StrategyFactory])[]

const named = (...names: readonly StrategyName[]): Named => names.map((name) => [name, strategies[name]])

/** Each strategy that sends a key to the same endpoint. */
export const hashing: Named = named('rendezvous', 'maglev', 'ring-hash')

/** The same with a bound. */
export const bounded: Named = hashing.map(([name, factory]) => [`boundedLoad(${name})`, boundedLoad(factory)])

/** Every strategy that has a name, and those with a bound. */
export const everyStrategy: Named = [...Object.entries(strategies).filter(([name]) => name !== 'hash'), ...bounded]
