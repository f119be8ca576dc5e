import type { Endpoint, StrategyFactory } from '@gatelet/core'
import { hash } from './hash.ts'

/** Hashes well, and sends who is refused anywhere. */
export const fallsBackByChance: StrategyFactory = ({ random }) => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick({ hashKey = '', accepts }) {
      const score = ({ id }: Endpoint) => hash(hashKey, hash(id))
      const [first] = [...endpoints].sort((a, b) => score(b) - score(a))
      if (first && accepts(first)) return first
      const left = endpoints.filter((endpoint) => accepts(endpoint))
      return left[Math.floor(random() * left.length)]
    },
  }
}
