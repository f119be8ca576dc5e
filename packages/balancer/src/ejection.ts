import type { Outcome } from '@gatelet/core'
import type { FailureRateOptions, OutlierOptions } from './ejection-options.ts'
import { OutcomeWindow } from './outcome-window.ts'

/** When an endpoint is ejected, for how long, and how many at once. `EjectionOptions` with every default filled in. */
export interface EjectionRules {
  readonly consecutiveFailures: number
  readonly consecutiveGatewayFailures: number
  readonly failureRate: Readonly<Required<FailureRateOptions>> | undefined
  readonly outliers: Readonly<Required<OutlierOptions>> | undefined
  readonly windowMs: number
  readonly baseMs: number
  readonly maxMs: number
  readonly jitter: number
  readonly maxShare: number
  readonly probes: number
  readonly endedByCheck: boolean
  readonly failFast: boolean
}

/** How many of `count` endpoints may be ejected at once: the share of them, but at least one, and the last with `failFast` only. */
export function maxEjected(count: number, { maxShare, failFast }: EjectionRules): number {
  return Math.min(Math.max(1, Math.floor(maxShare * count)), failFast ? count : Math.max(0, count - 1))
}

/** What requests say of an endpoint. `closed`: it may have all that are meant for it. `open`: none. `half-open`: one at a time. */
export type Circuit = 'closed' | 'open' | 'half-open'

/**
 * What passive ejection knows of one endpoint, and the circuit that it opens and closes. It keeps no timer: who reads `until`
 * compares it with the clock.
 */
export class EjectionRecord {
  circuit: Circuit = 'closed'
  /**
   * Grows whenever the circuit changes, and with each probe. A lease remembers it: what was sent before a change says nothing
   * of the time after it.
   */
  term = 0
  /** Failures since the last success. */
  failures = 0
  readonly window: OutcomeWindow = new OutcomeWindow()
  /** Open: when it is over. Half-open: when another probe may be sent, although the one that is out has not answered. */
  until: number | undefined
  /** Why it is not closed. */
  reason: string | undefined
  private gatewayFailures = 0
  private probesLeft = 0
  // Whether a check has ended an ejection before its time since it was last closed.
  private wasBelieved = false
  // The k of "base × k". It falls by one for each `baseMs` that passed since `readmittedAt`, worked out when it is needed.
  private times = 0
  private readmittedAt = 0
  private openedAt = 0

  /** Learns how an attempt went that was sent while the circuit was as it is. @returns whether that was a failure too many */
  learn(outcome: Outcome, now: number, rules: EjectionRules): boolean {
    if (outcome.kind === 'cancelled' || this.circuit !== 'closed') return false
    const isFailure = outcome.kind === 'failure'
    if (isFailure) this.failed(outcome.status)
    else this.succeeded(rules)
    this.window.add(isFailure, now, rules.windowMs)
    return isFailure && this.complaint(now, rules) !== undefined
  }

  /** Why it should be ejected; undefined when it should not. Who answered the last request is not failing, whatever was before. */
  complaint(now: number, rules: EjectionRules): string | undefined {
    if (this.failures === 0) return undefined
    if (this.failures >= rules.consecutiveFailures) return `${this.failures} failures in a row`
    if (this.gatewayFailures >= rules.consecutiveGatewayFailures) return `${this.gatewayFailures} times in a row not reached`
    if (!rules.failureRate) return undefined
    const { window } = this
    window.advance(now, rules.windowMs)
    const isFailing = window.total >= rules.failureRate.minRequests && window.failureRate >= rules.failureRate.threshold
    return isFailing ? `${window.failures} of ${window.total} requests failed` : undefined
  }

  /**
   * For `baseMs` × k, at most `maxMs`: k is the number of ejections that are not forgotten, this one included.
   * @param chance in [0, 1), for the jitter
   */
  eject(now: number, reason: string, rules: EjectionRules, chance: number): void {
    const { baseMs, maxMs, jitter } = rules
    const forgotten = Math.floor((now - this.readmittedAt) / baseMs)
    // No k beyond what reaches `maxMs`: a long outage must not take longer to be forgotten than it can matter.
    this.times = Math.min(Math.max(0, this.times - forgotten) + 1, Math.ceil(maxMs / baseMs))
    this.open(now, now + Math.min(baseMs * this.times, maxMs) * (1 + jitter * chance), reason)
  }

  /** Until a time that somebody else has set. It does not make the next one longer. */
  open(now: number, until: number, reason: string): void {
    this.openedAt = now
    this.become('open', until, reason)
  }

  /** Its time is over, or a check ended it: it is to be probed. Closes it where no probes are asked for. */
  halfOpen(now: number, reason: string, { probes }: EjectionRules): void {
    if (probes === 0) {
      this.close(now, true)
      return
    }
    // It ended at its time, also when that is noticed later.
    this.readmittedAt = Math.min(now, this.until ?? now)
    this.forget()
    this.probesLeft = probes
    this.become('half-open', undefined, reason)
  }

  /** Whether a check that began at this time, and passed, may end this ejection. True once, until it was closed again. */
  believes(begunAt: number, { endedByCheck }: EjectionRules): boolean {
    if (!endedByCheck || this.circuit !== 'open' || this.wasBelieved || begunAt < this.openedAt) return false
    this.wasBelieved = true
    return true
  }

  /** Half-open, and its one request is out. */
  get isProbed(): boolean {
    return this.circuit === 'half-open' && this.until !== undefined
  }

  /** A probe goes out. No other one does before it is answered, or before `baseMs` have passed. */
  beginProbe(now: number, { baseMs }: EjectionRules): void {
    this.become('half-open', now + baseMs, this.reason)
  }

  /** The probe that is out has ended. @returns whether that was the last one, or another is to go */
  endProbe({ kind }: Outcome): 'failed' | 'passed' | 'another' {
    if (kind === 'failure') return 'failed'
    if (kind === 'success') this.probesLeft--
    if (this.probesLeft <= 0) return 'passed'
    this.awaitProbe()
    return 'another'
  }

  /** Half-open, and the next request may be a probe. */
  awaitProbe(): void {
    this.become('half-open', undefined, this.reason)
  }

  /**
   * Back in full.
   * @param isSettled it has sat its time out, or its probes succeeded. Otherwise the failures stay counted: a success alone
   * clears them
   */
  close(now: number, isSettled: boolean): void {
    if (isSettled) {
      this.forget()
      this.wasBelieved = false
    }
    this.readmittedAt = Math.min(now, this.circuit === 'open' ? (this.until ?? now) : now)
    this.become('closed', undefined, undefined)
  }

  /** The endpoint was removed: no lease that is still out has anything to say. */
  retire(): void {
    this.term++
  }

  private become(circuit: Circuit, until: number | undefined, reason: string | undefined): void {
    this.circuit = circuit
    this.until = until
    this.reason = reason
    this.term++
  }

  private failed(status: number | undefined): void {
    this.failures++
    const isUnreached = status === undefined || (status >= 502 && status <= 504)
    this.gatewayFailures = isUnreached ? this.gatewayFailures + 1 : 0
  }

  private succeeded({ consecutiveFailures }: EjectionRules): void {
    // Answering again after an outage: what was before it says nothing of now.
    if (this.failures >= consecutiveFailures) this.window.clear()
    this.failures = 0
    this.gatewayFailures = 0
  }

  private forget(): void {
    this.failures = 0
    this.gatewayFailures = 0
    this.window.clear()
  }
}
