import { hash } from 'node:crypto'

/** What has a share of the traffic. */
export interface Weighted {
  /** Keys stay where they are as long as names do. */
  readonly name: string
  /** 0 has no share. */
  readonly weight: number
}

/** Shares in proportion to weights. Never changed: other weights are another object. */
export class Shares<T extends Weighted> {
  private readonly takers: readonly T[]
  private readonly total: number

  constructor(all: readonly T[]) {
    this.takers = all.filter(({ weight }) => weight > 0)
    this.total = this.takers.reduce((sum, { weight }) => sum + weight, 0)
  }

  /** @param chance from 0 to 1, below 1 @returns undefined when nobody has a share */
  at(chance: number): T | undefined {
    let point = chance * this.total
    for (const taker of this.takers) {
      if (point < taker.weight) return taker
      point -= taker.weight
    }
    // Sums of very uneven weights are rounded.
    return this.takers.at(-1)
  }

  /**
   * The same for the same key, whatever the order, in every process: weighted rendezvous hashing (Schindelhauer and
   * Schomaker 2005). When weights change, only keys between those whose proportion has changed move, and no more than it has.
   */
  ofKey(key: string): T | undefined {
    if (this.takers.length < 2) return this.takers[0]
    let nearest: T | undefined
    let least = Number.POSITIVE_INFINITY
    for (const taker of this.takers) {
      const distance = -Math.log(fraction(key, taker.name)) / taker.weight
      if (nearest === undefined || distance < least) [nearest, least] = [taker, distance]
    }
    return nearest
  }
}

/** 48 bits of a hash as a number between 0 and 1, neither of them. */
function fraction(key: string, name: string): number {
  // With the length, so that no key and name together are another key and name.
  const bits = hash('sha256', `${name.length}:${name}${key}`, 'buffer').readUIntBE(0, 6)
  return (bits + 0.5) / 2 ** 48
}
