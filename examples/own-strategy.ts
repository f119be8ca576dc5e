// A strategy of one's own: the cheapest endpoint that may be picked, the least busy of equals.
import { createBalancer, type Endpoint, proxy, type StrategyFactory, serve } from 'gatelet'

const price = (endpoint: Endpoint) => Number(endpoint.metadata['price'] ?? 0)

export const cheapestFirst: StrategyFactory = () => {
  let ranked: readonly Endpoint[] = []
  return {
    update(endpoints) {
      ranked = [...endpoints].sort((a, b) => price(a) - price(b))
    },
    pick(context) {
      let best: Endpoint | undefined
      for (const endpoint of ranked) {
        if (!context.accepts(endpoint)) continue
        if (best && price(endpoint) > price(best)) break
        if (!best || endpoint.inflight < best.inflight) best = endpoint
      }
      return best
    },
  }
}

const { CHEAP = 'http://127.0.0.1:4001', DEAR = 'http://127.0.0.1:4002', PORT = '8080' } = process.env
const endpoints = [
  { url: DEAR, metadata: { price: 3 } },
  { url: CHEAP, metadata: { price: 1 } },
]
const server = await serve(proxy(createBalancer({ endpoints, strategy: cheapestFirst })), { port: Number(PORT) })
console.log(`listening on ${server.url}: asks ${CHEAP}, and ${DEAR} while that one does not answer`)
process.once('SIGTERM', () => server.close({ graceMs: 10_000 }))
