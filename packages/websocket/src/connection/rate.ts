import type { Clock } from '@gatelet/core'

/**
 * A bucket that empties with time. It takes as long as it is not full, and may then run over by what was taken last: so what is
 * larger than the whole bucket passes too, now and then.
 */
export class Rate {
  private readonly perMs: number
  private readonly capacity: number
  private readonly clock: Clock
  private level = 0
  private at: number

  /** @param perSecond how much may pass. @param burstSeconds how many seconds' worth may pass at once */
  constructor(perSecond: number, burstSeconds: number, clock: Clock) {
    this.perMs = perSecond / 1_000
    this.capacity = perSecond * burstSeconds
    this.clock = clock
    this.at = clock.now()
  }

  /** @returns whether it was taken */
  take(amount: number): boolean {
    const now = this.clock.now()
    this.level = Math.max(0, this.level - (now - this.at) * this.perMs)
    this.at = now
    if (this.level > this.capacity - Math.min(1, this.capacity)) return false
    this.level += amount
    return true
  }
}
