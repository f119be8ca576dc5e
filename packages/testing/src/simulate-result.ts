import type { Run } from './simulate-run.ts'

/** What came of a simulation. Times are in virtual milliseconds. */
export interface Simulation {
  /** How many requests came. */
  readonly requests: number
  /** Those that were not answered in the end. */
  readonly failures: number
  /** From the arrival to the answer, retries included, of the requests that were answered. All are 0 when none was. */
  readonly latencyMs: Latencies
  /** In the order of the options. */
  readonly endpoints: readonly EndpointResult[]
  /** The most requests that were in flight at once, at all endpoints together. */
  readonly maxInflight: number
  /** When the last one ended. */
  readonly durationMs: number
}

/** Exact, not estimated: `p99` is the smallest that at least 99 of 100 do not exceed. */
export interface Latencies {
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** What came of one endpoint. */
export interface EndpointResult {
  readonly id: string
  /** How many attempts it got. */
  readonly attempts: number
  /** Of all attempts, 0 to 1. */
  readonly share: number
  readonly failures: number
  /** The most that were there at once, waiting ones too. */
  readonly maxInflight: number
}

/** The figures of a run that is over. */
export function summary(run: Run): Simulation {
  const attempts = run.servers.reduce((sum, server) => sum + server.attempts, 0)
  return {
    requests: run.requests,
    failures: run.failures,
    latencyMs: latencies(run.latencies.subarray(0, run.answers)),
    endpoints: run.servers.map((server) => ({
      id: server.id,
      attempts: server.attempts,
      share: attempts === 0 ? 0 : server.attempts / attempts,
      failures: server.failures,
      maxInflight: server.maxInflight,
    })),
    maxInflight: run.maxInflight,
    durationMs: run.now,
  }
}

function latencies(unordered: Float64Array): Latencies {
  const sum = unordered.reduce((sum, latency) => sum + latency, 0)
  const sorted = unordered.slice().sort()
  // The nearest rank.
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
  return {
    mean: sorted.length === 0 ? 0 : sum / sorted.length,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    p999: at(0.999),
    max: at(1),
  }
}
