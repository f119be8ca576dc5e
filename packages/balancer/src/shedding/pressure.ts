// Priorities are told apart within these bounds, so that there are at most 21 of them to remember.
const MOST = 10
// After so many looks a priority that nobody asked with any more is forgotten.
const FORGET_AFTER = 100
// Even of the highest priority some are let in: else nobody would notice that the load is over.
const LEAST_ADMITTED = 0.1

const UP = 0.1
const DOWN = 0.05

/**
 * How much is shed: whole priorities from the lowest up, and of the next one a share by chance. It rises while the delay is above
 * the target, faster the further it is above; falls, half as fast, while it is below half of it; and stays between: without
 * that gap it would swing.
 */
export class Pressure {
  /** 0: nothing is shed. 1.3: the lowest priority, and three in ten of the next. */
  value = 0
  private readonly targetMs: number
  private readonly lastSeen = new Map<number, number>()
  private looks = 0

  constructor(targetMs: number) {
    this.targetMs = targetMs
  }

  /** @param chance a number in [0, 1) */
  admits(priority: number, chance: number): boolean {
    const known = classOf(priority)
    this.lastSeen.set(known, this.looks)
    if (this.value === 0) return true
    let lower = 0
    for (const other of this.lastSeen.keys()) if (other < known) lower++
    return chance >= this.value - lower
  }

  /** Takes over the delay of one interval. @returns whether anything changed */
  look(delayMs: number): boolean {
    const before = this.value
    this.looks++
    for (const [priority, seen] of this.lastSeen) if (this.looks - seen > FORGET_AFTER) this.lastSeen.delete(priority)
    if (delayMs > this.targetMs) this.value += UP * Math.min(5, delayMs / this.targetMs)
    else if (delayMs < this.targetMs / 2) this.value -= DOWN
    const most = Math.max(1, this.lastSeen.size) - LEAST_ADMITTED
    // In hundredths: what is left of sums of fractions would never be nothing.
    this.value = Math.round(Math.min(Math.max(this.value, 0), most) * 100) / 100
    return this.value !== before
  }
}

const classOf = (priority: number): number => (Number.isNaN(priority) ? 0 : Math.round(Math.min(Math.max(priority, -MOST), MOST)))
