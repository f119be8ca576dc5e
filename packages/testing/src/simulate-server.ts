import type { Endpoint } from '@gatelet/core'
import type { SimulatedEndpoint } from './simulate-options.ts'

/** A server that exists as numbers only. */
export class SimulatedServer implements Endpoint {
  readonly id: string
  readonly weight: number
  readonly metadata: Readonly<Record<string, unknown>>
  inflight = 0
  /** Attempts that came here, those that failed, and the most that were here at once. */
  attempts = 0
  failures = 0
  maxInflight = 0
  /** How many faults of these kinds hold now, and how much slower it is for those of the third kind. */
  downs = 0
  errors = 0
  factor: number
  /** How many it works on. */
  busy = 0
  private readonly workers: number
  private waiting: number[] = []
  private served = 0

  constructor({ id, weight, metadata, slowness, workers }: Required<SimulatedEndpoint>) {
    this.id = id
    this.weight = weight
    this.metadata = metadata
    this.factor = slowness
    this.workers = workers
  }

  get hasFreeWorker(): boolean {
    return this.busy < this.workers
  }

  enter(): void {
    this.attempts++
    this.inflight++
    if (this.inflight > this.maxInflight) this.maxInflight = this.inflight
  }

  wait(request: number): void {
    this.waiting.push(request)
  }

  /** The one that has waited longest. */
  nextWaiting(): number | undefined {
    const next = this.waiting[this.served]
    if (next === undefined) return undefined
    this.served++
    // Let go of those that were served now and then: cheaper than a shift for each.
    if (this.served > 1_024 && this.served * 2 > this.waiting.length) this.waiting = this.takeWaiting()
    return next
  }

  /** All that wait, who do not any more. */
  takeWaiting(): number[] {
    const rest = this.waiting.slice(this.served)
    this.waiting = []
    this.served = 0
    return rest
  }
}
