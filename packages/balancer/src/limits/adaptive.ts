import type { Outcome } from '@gatelet/core'
import type { AdaptiveRules } from './adaptive-options.ts'
import { aimd } from './aimd.ts'
import { gradient } from './gradient.ts'

/** What a window of attempts has shown. Latencies in milliseconds. */
interface Measured {
  readonly limit: number
  readonly latencyMs: number
  /** The most requests in flight at once. */
  readonly peak: number
  /** An attempt failed, or took too long. */
  readonly hasDropped: boolean
}

/** From what a window has shown to the next limit, which may be a fraction and out of bounds. */
export type Algorithm = (measured: Measured) => number

// A window lasts as long as two answers take, within these, and until so many have come; Netflix's defaults are 1 s and 10.
const MIN_WINDOW_MS = 100
const MAX_WINDOW_MS = 1_000
const MIN_SAMPLES = 10

/** The limit of one endpoint, found by its latency. Pure arithmetic: whoever keeps it says when and how busy. */
export class AdaptiveLimit {
  private readonly rules: AdaptiveRules
  private readonly algorithm: Algorithm
  private exact: number
  private samples = 0
  private total = 0
  private peak = 0
  private hasDropped = false
  private endsAt = 0

  constructor(rules: AdaptiveRules) {
    this.rules = rules
    this.exact = rules.initial
    this.algorithm = rules.algorithm === 'aimd' ? aimd : gradient(rules.tolerance)
  }

  get value(): number {
    return Math.floor(this.exact)
  }

  /** @param inflight with this attempt among them @returns whether the limit changed */
  learn({ kind, latencyMs }: Outcome, inflight: number, now: number): boolean {
    if (kind === 'cancelled') return false
    this.peak = Math.max(this.peak, inflight)
    this.hasDropped ||= kind === 'failure' || latencyMs > this.rules.timeoutMs
    this.samples++
    this.total += latencyMs
    if (this.samples < MIN_SAMPLES || now < this.endsAt) return false
    return this.close(now)
  }

  private close(now: number): boolean {
    const before = this.value
    const latencyMs = this.total / this.samples
    const found = this.algorithm({ limit: this.exact, latencyMs, peak: this.peak, hasDropped: this.hasDropped })
    this.exact = Math.min(Math.max(found, this.rules.min), this.rules.max)
    this.samples = this.total = this.peak = 0
    this.hasDropped = false
    this.endsAt = now + Math.min(Math.max(latencyMs * 2, MIN_WINDOW_MS), MAX_WINDOW_MS)
    return this.value !== before
  }
}
