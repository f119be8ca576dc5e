/** What checks say of an endpoint. */
export type CheckedHealth = 'unknown' | 'healthy' | 'unhealthy'

/** What one check found. */
export interface CheckResult {
  readonly passed: boolean
  /** When it ended, in monotonic milliseconds (`Clock.now()`). */
  readonly at: number
  readonly latencyMs: number
  /** Why it did not pass: at most 200 characters. */
  readonly error?: string
}

/** How many results in a row it takes. */
export interface Thresholds {
  readonly rise: number
  readonly fall: number
}

/** What is known of one endpoint's health from checks. */
export class HealthRecord {
  health: CheckedHealth = 'unknown'
  last: CheckResult | undefined
  private isAssumedDown: boolean
  // Results in a row that speak against `health`.
  private against = 0

  constructor(isAssumedDown: boolean) {
    this.isAssumedDown = isAssumedDown
  }

  /** Whether it must not be picked. */
  get isDown(): boolean {
    return this.health === 'unhealthy' || (this.health === 'unknown' && this.isAssumedDown)
  }

  /** Whether the last result agrees with what is believed of a healthy endpoint. Otherwise it is worth asking again soon. */
  get isSettled(): boolean {
    return this.health === 'healthy' && this.against === 0
  }

  /** It is not checked, so it is taken for healthy. */
  exempt(): void {
    this.isAssumedDown = false
  }

  /** Takes over what somebody else has found. @returns whether `health` changed */
  adopt(result: CheckResult): boolean {
    const before = this.health
    this.last = result
    this.health = result.passed ? 'healthy' : 'unhealthy'
    this.against = 0
    return before !== this.health
  }

  /** Learns a result. The first one decides at once, as in Envoy: there is nothing to hold against it. @returns whether `health` changed */
  learn(result: CheckResult, { rise, fall }: Thresholds): boolean {
    this.last = result
    const found = result.passed ? 'healthy' : 'unhealthy'
    if (found === this.health) {
      this.against = 0
      return false
    }
    this.against++
    if (this.health !== 'unknown' && this.against < (result.passed ? rise : fall)) return false
    this.health = found
    this.against = 0
    return true
  }
}
