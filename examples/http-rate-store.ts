// Counts that live in another process, asked over HTTP: a store of one's own, and the process that counts.
import { bytesOf, type Handler, json } from 'gatelet/core'
import { memoryRateStore, type RateRequest, type RateStore, type RateVerdict } from 'gatelet/rate-limiter'

/**
 * Asks `counting()` of another process: one request for a decision, however many rules it is about.
 * @param timeoutMs how long it may take; then the limiter does what its `onStoreError` says
 */
export function httpRateStore(url: string, timeoutMs = 50): RateStore {
  async function post(path: string, requests: readonly RateRequest[], signal?: AbortSignal): Promise<unknown> {
    const timeout = AbortSignal.timeout(timeoutMs)
    const reply = await fetch(url + path, {
      method: 'POST',
      body: JSON.stringify(requests),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    // Whatever is not an answer is an error: a store never guesses.
    if (!reply.ok) throw new Error(`the counting process answered ${reply.status}`)
    return reply.json()
  }
  return {
    async take(requests, signal) {
      const verdicts = (await post('/take', requests, signal)) as RateVerdict[]
      // JSON knows no infinity.
      return verdicts.map((verdict) => ({ ...verdict, retryAfterMs: verdict.retryAfterMs ?? Number.POSITIVE_INFINITY }))
    },
    async give(requests) {
      await post('/give', requests)
    },
    // Who held a slot may have died.
    leaseMs: LEASE_MS,
  }
}

const LEASE_MS = 30_000

/** Counts for others, in its memory: all rules of a decision at once, and nobody's decision in between. */
export function counting(store: RateStore = memoryRateStore()): Handler {
  const leases = new Map<string, NodeJS.Timeout>()
  const end = (request: RateRequest) => {
    clearTimeout(leases.get(request.lease ?? ''))
    leases.delete(request.lease ?? '')
  }
  // A slot whose holder is not heard of again is given back for it.
  const hold = (request: RateRequest) => {
    if (request.lease === undefined) return
    clearTimeout(leases.get(request.lease))
    const lost = () => {
      end(request)
      void store.give([request])
    }
    leases.set(request.lease, setTimeout(lost, LEASE_MS).unref())
  }
  return async (ctx) => {
    const requests = JSON.parse(Buffer.from(await bytesOf(ctx.request.body, 100_000)).toString()) as RateRequest[]
    if (ctx.request.url.path === '/give') {
      for (const request of requests) if (request.cost > 0) end(request)
      await store.give(requests)
      return json({})
    }
    const verdicts = await store.take(requests)
    if (verdicts.every(({ allowed }) => allowed)) for (const request of requests) hold(request)
    return json(verdicts)
  }
}
