import type { RetryBudgetOptions } from './retry-options.ts'

const SECONDS = 10
// The second that is not over yet, and one more: so what is counted covers ten whole seconds at any moment.
const SLOTS = SECONDS + 1

/**
 * Keeps attempts in addition to the first few, so that an upstream in trouble is not asked many times as much as usual: at
 * each moment, those of the last 10 seconds are at most a share of the requests of that time, and some more.
 *
 * Counts by the second. Of additional attempts it looks back 10 to 11 seconds, of requests 9 to 10: in doubt it refuses.
 */
export class RetryBudget {
  private readonly share: number
  private readonly reserve: number
  private readonly requests = new Float64Array(SLOTS)
  private readonly spent = new Float64Array(SLOTS)
  private second = Number.NEGATIVE_INFINITY

  constructor({ share, perSecond }: Required<RetryBudgetOptions>) {
    this.share = share
    this.reserve = perSecond * SECONDS
  }

  /** A request has come. @param now monotonic milliseconds */
  asked(now: number): void {
    this.requests[this.slotAt(now)]! += 1
  }

  /** Whether there is one more attempt to be had. */
  allows(now: number): boolean {
    const oldest = (this.slotAt(now) + 1) % SLOTS
    return sum(this.spent) + 1 <= this.share * (sum(this.requests) - this.requests[oldest]!) + this.reserve
  }

  /** Takes one more attempt. @returns false, and takes nothing, where there is none */
  take(now: number): boolean {
    if (!this.allows(now)) return false
    this.spent[this.slotAt(now)]! += 1
    return true
  }

  private slotAt(now: number): number {
    const second = Math.floor(now / 1_000)
    if (second > this.second) this.forget(second)
    return ((this.second % SLOTS) + SLOTS) % SLOTS
  }

  private forget(until: number): void {
    for (let second = Math.max(this.second + 1, until - SECONDS); second <= until; second++) {
      const slot = ((second % SLOTS) + SLOTS) % SLOTS
      this.requests[slot] = this.spent[slot] = 0
    }
    this.second = until
  }
}

const sum = (values: Float64Array): number => {
  let total = 0
  for (const value of values) total += value
  return total
}
