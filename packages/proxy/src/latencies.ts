const SIZE = 1_000
const ENOUGH = 100
// Sorting a thousand numbers takes some 50 µs: not for each request.
const REFRESH_AFTER = 50

/** How long the last thousand requests took. */
export class Latencies {
  private readonly last = new Float64Array(SIZE)
  private count = 0
  private sorted: Float64Array | undefined
  private sortedAt = 0

  add(ms: number): void {
    this.last[this.count++ % SIZE] = ms
  }

  /** The time within which this share of them was answered, in milliseconds; undefined as long as too few were. */
  percentile(share: number): number | undefined {
    if (this.count < ENOUGH) return undefined
    if (!this.sorted || this.count - this.sortedAt >= REFRESH_AFTER) {
      this.sorted = this.last.slice(0, this.count).sort()
      this.sortedAt = this.count
    }
    return this.sorted[Math.min(this.sorted.length - 1, Math.floor(this.sorted.length * share))]
  }
}
