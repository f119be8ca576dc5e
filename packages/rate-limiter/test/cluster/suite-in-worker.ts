// Runs the suite of all stores in a worker, with node:test: run by cluster.test.ts. The clock is in the primary, which counts.
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { after, describe, test } from 'node:test'
import { clusterRateStore, countForWorkers } from '@gatelet/rate-limiter'
import { describeRateStore, virtualClock } from '@gatelet/testing'

async function advance(ms: number): Promise<void> {
  process.send?.({ advance: ms })
  // Our own answers to the store go by the same way.
  for (;;) {
    const [message] = (await once(process, 'message')) as [{ advanced?: number }]
    if (message.advanced !== undefined) return
  }
}

if (cluster.isPrimary) {
  const clock = virtualClock()
  countForWorkers({ clock })
  cluster.on('message', (worker: Worker, message: { advance?: number }) => {
    if (message.advance !== undefined) void clock.advance(message.advance).then(() => worker.send({ advanced: 1 }))
  })
  const [code] = (await once(cluster.fork(), 'exit')) as [number]
  process.exit(code)
} else {
  const store = clusterRateStore({ timeoutMs: 10_000 })
  // A worker whose channel is open does not end by itself.
  after(() => void cluster.worker?.disconnect())
  describeRateStore('clusterRateStore', () => ({ store, advance }), { describe, test })
}
