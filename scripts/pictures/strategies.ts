import {
  boundedLoad,
  leastRequests,
  maglev,
  peakEwma,
  random,
  rendezvous,
  ringHash,
  roundRobin,
  twoChoices,
} from '@gatelet/balancer'
import type { Endpoint, StrategyFactory } from '@gatelet/core'

type Named = readonly (readonly [name: string, factory: StrategyFactory])[]

/** Those that spread requests. */
export const spreading: Named = [
  ['round-robin', roundRobin],
  ['random', random],
  ['two-choices', twoChoices],
  ['least-requests', leastRequests],
  ['peak-ewma', peakEwma()],
]

/** Those that keep the requests of a key together. */
export const hashing: Named = [
  ['rendezvous', rendezvous],
  ['maglev', maglev()],
  ['ring-hash', ringHash()],
]

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
