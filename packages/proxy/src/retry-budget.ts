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
  /** Where this second is counted. */
  private slot = 0
  private secondEndsAt = Number.NEGATIVE_INFINITY

  constructor({ share, perSecond }: Required<RetryBudgetOptions>) {
    this.share = share
    this.reserve = perSecond * SECONDS
  }

  /** A request has come. @param now monotonic milliseconds */
  asked(now: number): void {
    this.advance(now)
    this.requests[this.slot]! += 1
  }

  /** Whether there is one more attempt to be had. */
  allows(now: number): boolean {
    this.advance(now)
    const oldest = this.requests[(this.slot + 1) % SLOTS]!
    return sum(this.spent) + 1 <= this.share * (sum(this.requests) - oldest) + this.reserve
  }

  /** Takes one more attempt. @returns false, and takes nothing, where there is none */
  take(now: number): boolean {
    if (!this.allows(now)) return false
    this.spent[this.slot]! += 1
    return true
  }

  /** Forgets what is too long ago. Once a second: it is asked at each request. */
  private advance(now: number): void {
    if (now < this.secondEndsAt) return
    const until = Math.floor(now / 1_000)
    for (let second = Math.max(this.second + 1, until - SECONDS); second <= until; second++) {
      this.slot = ((second % SLOTS) + SLOTS) % SLOTS
      this.requests[this.slot] = this.spent[this.slot] = 0
    }
    this.second = until
    this.secondEndsAt = (until + 1) * 1_000
  }
}

const sum = (values: Float64Array): number => {
  let total = 0
  for (const value of values) total += value
  return total
}
