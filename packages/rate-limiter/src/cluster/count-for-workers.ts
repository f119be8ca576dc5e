import cluster, { type Worker } from 'node:cluster'
import { type MemoryRateStore, type MemoryRateStoreOptions, memoryRateStore } from '../memory/memory-store.ts'
import type { RateRequest } from '../store.ts'
import { type Answer, type Ask, isAsk } from './message.ts'

/**
 * Counts in the primary of `node:cluster` for workers that use `clusterRateStore`. Call it once, before the first `fork`.
 * Slots of a worker that ends are free at once. Counts are lost with the primary.
 * @param options of the store in memory that counts
 * @returns its undo
 * @throws GatewayError `BAD_OPTION`
 * @example
 * if (cluster.isPrimary) countForWorkers()
 */
export function countForWorkers(options: MemoryRateStoreOptions = {}): () => void {
  const counts = new CountsForWorkers(memoryRateStore(options))
  const hear = (worker: Worker, message: unknown) => {
    if (isAsk(message)) counts.answer(worker, message)
  }
  const forget = (worker: Worker) => counts.forget(worker)
  cluster.on('message', hear)
  cluster.on('disconnect', forget)
  cluster.on('exit', forget)
  return () => {
    cluster.off('message', hear)
    cluster.off('disconnect', forget)
    cluster.off('exit', forget)
  }
}

class CountsForWorkers {
  private readonly store: MemoryRateStore
  /** The slots that each worker holds, as many as its requests in flight: who ends gives none of them back. */
  private readonly slots = new Map<number, Map<string, RateRequest>>()

  constructor(store: MemoryRateStore) {
    this.store = store
  }

  answer(worker: Worker, { id, what, requests }: Ask): void {
    // What it asked before it went comes after it went: it would hold slots for ever.
    if (!worker.isConnected()) return
    let answer: Answer = { gatelet: 'rate-answer', id }
    try {
      if (what === 'take') answer = { ...answer, verdicts: this.take(worker, requests) }
      else this.give(worker, requests)
    } catch (error) {
      answer = { ...answer, error: error instanceof Error ? error.message : 'something that is no error was thrown' }
    }
    // A worker that has just gone is no error of ours.
    worker.send(answer, () => {})
  }

  forget(worker: Worker): void {
    const slots = this.slots.get(worker.id)
    this.slots.delete(worker.id)
    if (slots) this.store.give([...slots.values()])
  }

  private take(worker: Worker, requests: readonly RateRequest[]) {
    const verdicts = this.store.take(requests)
    if (verdicts.every(({ allowed }) => allowed)) for (const request of requests) if (isSlot(request)) this.hold(worker, request)
    return verdicts
  }

  private give(worker: Worker, requests: readonly RateRequest[]): void {
    this.store.give(requests)
    const slots = this.slots.get(worker.id)
    if (slots) for (const request of requests) if (isSlot(request)) slots.delete(nameOf(request))
  }

  private hold(worker: Worker, request: RateRequest): void {
    const slots = this.slots.get(worker.id) ?? new Map<string, RateRequest>()
    this.slots.set(worker.id, slots.set(nameOf(request), request))
  }
}

const isSlot = ({ rule }: RateRequest) => rule.algorithm === 'concurrency'

const nameOf = ({ rule, key, lease }: RateRequest) => JSON.stringify([rule.name, key, lease])
