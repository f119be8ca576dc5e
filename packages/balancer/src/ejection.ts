import type { Outcome } from '@gatelet/core'

/** When an endpoint is ejected, for how long, and how many at once. `EjectionOptions` with every default filled in. */
export interface EjectionRules {
  readonly consecutiveFailures: number
  readonly baseMs: number
  readonly maxMs: number
  readonly maxShare: number
}

/** How many of `count` endpoints may be ejected at once: the share of them, but at least one and never the last. */
export function maxEjected(count: number, { maxShare }: EjectionRules): number {
  return Math.min(Math.max(1, Math.floor(maxShare * count)), Math.max(0, count - 1))
}

/** What passive ejection knows of one endpoint. It keeps no timer: who reads `until` compares it with the clock. */
export class EjectionRecord {
  /** Failures since the last success. */
  failures = 0
  /** When it may be picked again, in monotonic milliseconds; undefined when it is not ejected. */
  until: number | undefined
  // The k of "base × k". It falls by one for each `baseMs` that passed since `readmittedAt`, worked out when it is needed.
  private times = 0
  private readmittedAt = 0

  /** Learns how an attempt went. @returns whether that was a failure too many */
  learn(outcome: Outcome, rules: EjectionRules): boolean {
    if (outcome.kind === 'success') this.failures = 0
    // What fails while it is ejected was sent before, or because nothing better was left: it proves nothing new.
    if (outcome.kind !== 'failure' || this.until !== undefined) return false
    this.failures++
    return this.isFailing(rules)
  }

  /** Whether it has failed so often in a row that it should be ejected. */
  isFailing({ consecutiveFailures }: EjectionRules): boolean {
    return this.failures >= consecutiveFailures
  }

  /** For `baseMs` × k, at most `maxMs`: k is the number of ejections that are not forgotten, this one included. */
  eject(now: number, { baseMs, maxMs }: EjectionRules): void {
    const forgotten = Math.floor((now - this.readmittedAt) / baseMs)
    // No k beyond what reaches `maxMs`: a long outage must not take longer to be forgotten than it can matter.
    this.times = Math.min(Math.max(0, this.times - forgotten) + 1, Math.ceil(maxMs / baseMs))
    this.until = now + Math.min(baseMs * this.times, maxMs)
  }

  /** Ends the ejection. Before its time the failures stay counted: they were not sat out, and a success alone clears them. */
  readmit(now: number): void {
    const { until = now } = this
    if (until <= now) this.failures = 0
    // It ended at its time, also when that is noticed later.
    this.readmittedAt = Math.min(now, until)
    this.until = undefined
  }
}
