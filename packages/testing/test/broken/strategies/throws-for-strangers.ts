import type { Endpoint, StrategyFactory } from '@gatelet/core'

/** Expects that whoever it hears of is still there. */
export const throwsForStrangers: StrategyFactory = () => {
  let latencies = new Map<Endpoint, { sum: number }>()
  return {
    update(snapshot) {
      latencies = new Map(snapshot.map((endpoint) => [endpoint, latencies.get(endpoint) ?? { sum: 0 }]))
    },
    pick(context) {
      for (const endpoint of latencies.keys()) if (context.accepts(endpoint)) return endpoint
      return undefined
    },
    report(endpoint, { latencyMs }) {
      const known = latencies.get(endpoint)
      if (!known) throw new Error(`who is ${endpoint.id}?`)
      known.sum += latencyMs
    },
  }
}
