import type { Endpoint, StrategyFactory } from '@gatelet/core'
import { hash } from './hash.ts'

/** Hashes well, and has nobody for a request without a key. */
export const needsAKey: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick({ hashKey, accepts }) {
      if (hashKey === undefined) return undefined
      const score = ({ id }: Endpoint) => hash(hashKey, hash(id))
      return [...endpoints].sort((a, b) => score(b) - score(a)).find((endpoint) => accepts(endpoint))
    },
  }
}
