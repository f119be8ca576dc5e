import type { Endpoint, StrategyFactory } from 'gatelet'

/** What is remembered of one endpoint: a latency, and when that was. */
interface Memory {
  latencyMs: number
  at: number
}

// What was seen ten seconds ago counts about a third of what is seen now.
const FORGET_MS = 10_000

/**
 * Of two endpoints drawn by chance, the one where a request would be answered sooner: by its latency of late, times how many
 * requests would be there. Bad news counts at once, good news little by little, and all of it is forgotten in time.
 */
export const quickest: StrategyFactory = ({ now, random }) => {
  let endpoints: readonly Endpoint[] = []
  let memories = new Map<Endpoint, Memory>()

  const weightOf = (memory: Memory) => Math.exp((memory.at - now()) / FORGET_MS)
  function wait(endpoint: Endpoint): number {
    const memory = memories.get(endpoint)
    return memory ? (memory.latencyMs * weightOf(memory) * (endpoint.inflight + 1)) / endpoint.weight : 0
  }
  const sooner = (a: Endpoint, b: Endpoint) => (wait(b) < wait(a) ? b : a)

  return {
    update(snapshot) {
      endpoints = snapshot
      // Those that stay keep what is known of them; what is known of the others goes with them.
      memories = new Map(snapshot.map((endpoint) => [endpoint, memories.get(endpoint) ?? { latencyMs: 0, at: 0 }]))
    },
    pick({ accepts }) {
      const place = Math.floor(random() * endpoints.length)
      const first = endpoints[place]
      // Skipping past the first keeps the two draws distinct.
      const second = endpoints[(place + 1 + Math.floor(random() * (endpoints.length - 1))) % endpoints.length]
      if (first && second && accepts(first) && accepts(second)) return sooner(first, second)
      // One of them may not be picked: it was tried already, say. Then the best of all that may, so that there is one.
      let best: Endpoint | undefined
      for (const endpoint of endpoints) if (accepts(endpoint)) best = best ? sooner(best, endpoint) : endpoint
      return best
    },
    report(endpoint, { kind, latencyMs }) {
      const memory = memories.get(endpoint)
      // A client that left says nothing about the endpoint.
      if (!memory || kind === 'cancelled') return
      // An error after 1 ms is not quick: else the endpoint that fails at once would get everything.
      const seen = kind === 'failure' ? Math.max(latencyMs, 1_000) : latencyMs
      const weight = weightOf(memory)
      memory.latencyMs = Math.max(seen, memory.latencyMs * weight + seen * (1 - weight))
      memory.at = now()
    },
    explain: ({ accepts }) =>
      endpoints.filter((endpoint) => accepts(endpoint)).map((endpoint) => ({ id: endpoint.id, score: wait(endpoint) })),
  }
}
