import { boundedLoad, rendezvous, type StrategyName, strategies } from '@gatelet/balancer'
import type { Endpoint, StrategyFactory } from '@gatelet/core'

type Named = readonly (readonly [name: string, factory: StrategyFactory])[]

const named = (...names: readonly StrategyName[]): Named => names.map((name) => [name, strategies[name]])

/** Those that spread requests. */
export const spreading: Named = named('round-robin', 'random', 'two-choices', 'least-requests', 'peak-ewma')

/** Those that keep the requests of a key together. */
export const hashing: Named = named('rendezvous', 'maglev', 'ring-hash')

export const bounded: Named = [['boundedLoad(rendezvous)', boundedLoad(rendezvous)]]

/** What is done without any of these: the hash of a key by the number of endpoints, here of keys that end in a number. */
export const modulo: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick: ({ hashKey = '' }) => endpoints[Number(/\d+$/.exec(hashKey)?.[0] ?? 0) % endpoints.length],
  }
}
