import type { Endpoint, Outcome } from '@gatelet/core'

/** What a latency book lives by. Times in milliseconds. */
export interface LatencyRules {
  /** Monotonic. */
  now(): number
  readonly decayMs: number
  readonly penaltyMs: number
}

/**
 * The latencies of endpoints as moving averages. Between samples nothing is written: how far one has faded is worked out when
 * it is read, so that reading often does not make it fade faster.
 */
export class LatencyBook {
  private readonly rules: LatencyRules
  private endpoints: readonly Endpoint[] = []
  private places: ReadonlyMap<Endpoint, number> = new Map()
  /** Of each endpoint, in milliseconds; NaN before the first answer. */
  private latencies = new Float64Array(0)
  /** When that was. */
  private since = new Float64Array(0)
  private readonly loads = new Float64Array(2)

  constructor(rules: LatencyRules) {
    this.rules = rules
  }

  /** Who stays keeps what is known. */
  update(endpoints: readonly Endpoint[]): void {
    const { places, latencies, since } = this
    const kept = (known: Float64Array, unknown: number) =>
      Float64Array.from(endpoints, (endpoint) => known[places.get(endpoint) ?? -1] ?? unknown)
    this.latencies = kept(latencies, Number.NaN)
    this.since = kept(since, 0)
    this.places = new Map(endpoints.map((endpoint, at) => [endpoint, at]))
    this.endpoints = endpoints
  }

  learn(endpoint: Endpoint, outcome: Outcome): void {
    const at = this.places.get(endpoint)
    // One that has left, or a client that did: nothing is learned.
    if (at === undefined || outcome.kind === 'cancelled') return
    const { now, decayMs, penaltyMs } = this.rules
    const known = this.latencies[at] as number
    const time = now()
    const old = Math.exp(-(time - (this.since[at] as number)) / decayMs)
    const sample = sampleOf(outcome, penaltyMs)
    const isPeak = Number.isNaN(known) || (sample > known && (!isFailure(outcome) || outcome.retryAfterMs !== undefined))
    this.latencies[at] = isPeak ? sample : sample * (1 - old) + known * old
    this.since[at] = time
  }

  /** Whether an answer is to be expected sooner from the endpoint at this place than from the other. */
  isBetter(at: number, other: number): boolean {
    this.weigh(at, 0)
    this.weigh(other, 1)
    return (this.loads[0] as number) < (this.loads[1] as number)
  }

  /** How long an answer of the endpoint at this place would take, were requests worked on one by one, for its weight. */
  load(at: number): number {
    this.weigh(at, 0)
    return this.loads[0] as number
  }

  // Into a list and not returned: a fraction that comes out of a call which is not inlined is an object, 16 bytes for each.
  private weigh(at: number, into: number): void {
    const { inflight, weight } = this.endpoints[at] as Endpoint
    const { now, decayMs, penaltyMs } = this.rules
    let latency = this.latencies[at] as number
    if (Number.isNaN(latency)) latency = inflight === 0 ? 0 : Math.max(LEAST_MS, penaltyMs)
    else if (inflight === 0) latency *= Math.exp(((this.since[at] as number) - now()) / decayMs)
    this.loads[into] = (latency * (inflight + 1)) / weight
  }
}

// Requests in flight must count also where answers take no time, as those of functions may.
const LEAST_MS = 0.001

const MOST_RETRY_AFTER_MS = 300_000

function sampleOf(outcome: Outcome, penaltyMs: number): number {
  const { latencyMs, retryAfterMs = penaltyMs } = outcome
  const penalty = isFailure(outcome) ? Math.min(retryAfterMs, MOST_RETRY_AFTER_MS) : 0
  return Math.max(LEAST_MS, latencyMs, penalty)
}

/** The balancer may call an answer of 429 a success: whoever sends it has too much to do all the same. */
function isFailure({ kind, status = 0 }: Outcome): boolean {
  return kind === 'failure' || status === 429 || status >= 500
}
