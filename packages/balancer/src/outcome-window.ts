/** So many slots make the window: what is older than it is forgotten in steps of a tenth of it. */
const SLOTS = 10

/**
 * Counts successes and failures of the last while. Ten slots of two numbers, whatever the traffic; no timer, and nothing is
 * allocated: a slot is emptied when its turn comes again.
 */
export class OutcomeWindow {
  successes = 0
  failures = 0
  private readonly slots = new Uint32Array(2 * SLOTS)
  // Counted from the clock's zero, so that `turn % SLOTS` is the place of the slot.
  private turn = 0

  get total(): number {
    return this.successes + this.failures
  }

  /** The share of failures, 0 to 1; 0 when nothing was counted. */
  get failureRate(): number {
    return this.failures === 0 ? 0 : this.failures / this.total
  }

  add(isFailure: boolean, now: number, windowMs: number): void {
    this.advance(now, windowMs)
    const at = 2 * (this.turn % SLOTS) + (isFailure ? 1 : 0)
    this.slots[at] = (this.slots[at] as number) + 1
    if (isFailure) this.failures++
    else this.successes++
  }

  /** Forgets what is older than the window. */
  advance(now: number, windowMs: number): void {
    const turn = Math.floor((now * SLOTS) / windowMs)
    if (turn - this.turn >= SLOTS) this.clear()
    else for (let passed = this.turn + 1; passed <= turn; passed++) this.empty(2 * (passed % SLOTS))
    if (turn > this.turn) this.turn = turn
  }

  clear(): void {
    this.slots.fill(0)
    this.successes = 0
    this.failures = 0
  }

  private empty(at: number): void {
    this.successes -= this.slots[at] as number
    this.failures -= this.slots[at + 1] as number
    this.slots[at] = 0
    this.slots[at + 1] = 0
  }
}
