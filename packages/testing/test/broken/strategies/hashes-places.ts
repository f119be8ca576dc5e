import type { Endpoint, StrategyFactory } from '@gatelet/core'
import { hash } from './hash.ts'

/** Takes the remainder of a hash for a place in the list: another order, or one endpoint less, moves nearly every key. */
export const hashesPlaces: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick({ hashKey = '', accepts }) {
      const start = hash(hashKey) % Math.max(1, endpoints.length)
      for (let step = 0; step < endpoints.length; step++) {
        const endpoint = endpoints[(start + step) % endpoints.length]
        if (endpoint && accepts(endpoint)) return endpoint
      }
      return undefined
    },
  }
}
