import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Picks who has the fewest failures, and counts as one that a client left. */
export const blamesForCancelled: StrategyFactory = () => {
  let endpoints: readonly Endpoint[] = []
  const failures = new Map<Endpoint, number>()
  return {
    update(snapshot) {
      endpoints = snapshot
    },
    pick(context) {
      let best: Endpoint | undefined
      for (const endpoint of endpoints) {
        if (!context.accepts(endpoint)) continue
        if (!best || (failures.get(endpoint) ?? 0) < (failures.get(best) ?? 0)) best = endpoint
      }
      return best
    },
    report(endpoint, { kind }) {
      // Twice in a row is forgiven, so that it shows only in what is picked.
      if (kind !== 'success') failures.set(endpoint, ((failures.get(endpoint) ?? 0) + (endpoint.weight > 2 ? 2 : 1)) % 11)
    },
  }
}
