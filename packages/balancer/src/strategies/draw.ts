import type { Endpoint } from '@gatelet/core'

/**
 * Draws places of a list in proportion to weights: O(1) when they are equal, else O(log n). Chance is asked for in here and
 * not handed in: a fraction that crosses a call which is not inlined is an object, 16 bytes for each.
 */
export class Draw {
  private readonly random: () => number
  private readonly count: number
  /** Sums of the weights before each place, and of all behind the last; undefined when the weights are equal. */
  private readonly sums: Float64Array | undefined
  private readonly point: Float64Array = new Float64Array(1)

  constructor(endpoints: readonly Endpoint[], random: () => number) {
    this.random = random
    this.count = endpoints.length
    const isEven = endpoints.every(({ weight }) => weight === endpoints[0]?.weight)
    this.sums = isEven ? undefined : sumsOf(endpoints)
  }

  /** @returns a place; -1 when the list is empty */
  one(): number {
    if (!this.sums) return this.count === 0 ? -1 : Math.floor(this.random() * this.count)
    this.point[0] = this.random() * this.sum(this.count)
    return this.placeOf(this.sums)
  }

  /** Another place than `first`, in proportion to the weights of the others; -1 when there is none. */
  another(first: number): number {
    if (this.count < 2) return -1
    // Skipping past `first` keeps the two draws distinct without a retry loop.
    if (!this.sums) {
      const place = Math.floor(this.random() * (this.count - 1))
      return place < first ? place : place + 1
    }
    const start = this.sum(first)
    const width = this.sum(first + 1) - start
    const point = this.random() * (this.sum(this.count) - width)
    this.point[0] = point < start ? point : point + width
    const place = this.placeOf(this.sums)
    // Sums of very uneven weights are rounded: the point may fall back into the gap.
    if (place !== first) return place
    return first + 1 < this.count ? first + 1 : first - 1
  }

  private sum(place: number): number {
    return (this.sums as Float64Array)[place] as number
  }

  // The last place whose sum is not beyond the point.
  private placeOf(sums: Float64Array): number {
    const point = this.point[0] as number
    let low = 0
    let high = this.count - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((sums[middle] as number) <= point) low = middle
      else high = middle - 1
    }
    return low
  }
}

function sumsOf(endpoints: readonly Endpoint[]): Float64Array {
  const sums = new Float64Array(endpoints.length + 1)
  for (const [at, { weight }] of endpoints.entries()) sums[at + 1] = (sums[at] as number) + weight
  return sums
}
