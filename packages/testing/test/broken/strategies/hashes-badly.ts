import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Goes by the first letter of the key, which is the same for nearly all. */
export const hashesBadly: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  return {
    update(snapshot) {
      endpoints = [...snapshot].sort((a, b) => (a.id < b.id ? -1 : 1))
    },
    pick({ hashKey = '', accepts }) {
      const letter = hashKey.charCodeAt(0) || 0
      let best: Endpoint | undefined
      for (const endpoint of endpoints) {
        if (!accepts(endpoint)) continue
        if (!best || (endpoint.id.charCodeAt(1) ^ letter) < (best.id.charCodeAt(1) ^ letter)) best = endpoint
      }
      return best
    },
  }
}
