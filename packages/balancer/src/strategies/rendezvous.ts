import type { Endpoint, PickContext, StrategyFactory } from '@gatelet/core'
import { hashed, type KeyOrder } from './hashed.ts'
import { xxHash32 } from './xxhash32.ts'

/**
 * Sends a key to the endpoint with the best hash of both, weighted: rendezvous hashing, or highest random weight (Thaler
 * and Ravishankar 1998; weights as in Schindelhauer and Schomaker 2005). The fairest of the hashing strategies, and exact:
 * when an endpoint leaves, only its keys move, each to the next in its own order and so over all the others. Looks at each
 * endpoint: O(n), without a table.
 */
export const rendezvous: StrategyFactory = hashed((endpoints) => new RendezvousOrder(endpoints))

/** The order of rendezvous hashing. */
export class RendezvousOrder implements KeyOrder {
  private readonly endpoints: readonly Endpoint[]
  private readonly weights: Float64Array
  private readonly perWeight: Float64Array
  // 64 bits of each id: of 32, two of ten thousand endpoints would be likely to have the same, and one of them no keys.
  private readonly highSeeds: Int32Array
  private readonly lowSeeds: Int32Array
  // The places of the nearest two, each time anew.
  private readonly front = new Int32Array(2)
  private readonly isEven: boolean

  constructor(endpoints: readonly Endpoint[]) {
    this.endpoints = endpoints
    this.isEven = endpoints.every(({ weight }) => weight === endpoints[0]?.weight)
    this.weights = Float64Array.from(endpoints, ({ weight }) => weight)
    this.perWeight = this.weights.map((weight) => 1 / weight)
    this.highSeeds = Int32Array.from(endpoints, ({ id }) => xxHash32(id, 1))
    this.lowSeeds = Int32Array.from(endpoints, ({ id }) => xxHash32(id, 2))
  }

  first(key: number, context: PickContext): Endpoint | undefined {
    const { endpoints, front } = this
    if (this.isEven) {
      const home = endpoints[this.greatest(key)]
      return home && context.accepts(home) ? home : this.nearest(key, context)
    }
    const sure = this.rank(key)
    for (let place = 0; place < sure; place++) {
      const endpoint = endpoints[front[place] as number] as Endpoint
      if (context.accepts(endpoint)) return endpoint
    }
    return this.nearest(key, context)
  }

  distance(key: number, at: number): number {
    const high = paired(key ^ (this.highSeeds[at] as number))
    return -Math.log(fraction(high, this.low(key, at))) / (this.weights[at] as number)
  }

  // With equal weights the greatest hash is the nearest. Without logarithms: more than twice as fast.
  private greatest(key: number): number {
    const { highSeeds } = this
    let best = -1
    let greatest = -0x8000_0000
    for (let at = 0; at < highSeeds.length; at++) {
      const high = paired(key ^ (highSeeds[at] as number))
      if (high < greatest) continue
      if (high === greatest && best >= 0 && this.low(key, at) <= this.low(key, best)) continue
      best = at
      greatest = high
    }
    return best
  }

  // Puts the nearest two into `front`, as far as their places are clear without a logarithm, which they are for all but a few
  // keys in a hundred. With v for 1 − u, −ln(u) is v + v²/2 and at most v³/(3(1 − v)) more. Without logarithms and calls in
  // the loop: half as fast again, and where the first is often refused, too.
  private rank(key: number): number {
    const { highSeeds, perWeight, front } = this
    let first = -1
    let second = -1
    let nearest = Number.POSITIVE_INFINITY
    let next = Number.POSITIVE_INFINITY
    let third = Number.POSITIVE_INFINITY
    let firstV = 0
    let secondV = 0
    for (let at = 0; at < highSeeds.length; at++) {
      const v = 0.5 - (paired(key ^ (highSeeds[at] as number)) + 1) * UNIT
      const distance = v * (1 + v / 2) * (perWeight[at] as number)
      if (distance >= third) continue
      if (distance >= next) {
        third = distance
        continue
      }
      third = next
      if (distance >= nearest) {
        next = distance
        second = at
        secondV = v
        continue
      }
      next = nearest
      second = first
      secondV = firstV
      nearest = distance
      first = at
      firstV = v
    }
    front[0] = first
    front[1] = second
    if (first < 0 || nearest + mostBeyond(firstV) * (perWeight[first] as number) >= next) return 0
    return second < 0 || next + mostBeyond(secondV) * (perWeight[second] as number) >= third ? 1 : 2
  }

  private low(key: number, at: number): number {
    return paired(key ^ (this.lowSeeds[at] as number)) >>> 12
  }

  private nearest(key: number, context: PickContext): Endpoint | undefined {
    const { endpoints, weights, highSeeds } = this
    let best = -1
    let nearest = Number.POSITIVE_INFINITY
    for (let at = 0; at < weights.length; at++) {
      const high = paired(key ^ (highSeeds[at] as number))
      const weight = weights[at] as number
      // −ln(u) is never below 1 − u, and u not above this: saves most logarithms.
      if (best >= 0 && 0.5 - (high + 1) / 2 ** 32 >= nearest * weight) continue
      const distance = -Math.log(fraction(high, this.low(key, at))) / weight
      // The weight of the only one may be so small that it is infinitely far away.
      if ((best >= 0 && distance >= nearest) || !context.accepts(endpoints[at] as Endpoint)) continue
      best = at
      nearest = distance
    }
    return best < 0 ? undefined : endpoints[best]
  }
}

const UNIT = 1 / 2 ** 32

// What is left out of v, which are the lower bits of u, and what rounding takes away, are less than four units.
const mostBeyond = (v: number): number => (v * v * v) / (3 * (1 - v)) + 4 * UNIT

/** 32 bits (signed) and 20 bits of a hash as a number between 0 and 1, neither of them. */
const fraction = (high: number, low: number): number => ((high + 2 ** 31) * 0x10_0000 + low + 0.5) / 2 ** 52

// The end of MurmurHash3, of which only the upper bits must be good: both sides are hashes already.
function paired(bits: number): number {
  const mix = Math.imul(bits, 0x85ebca6b)
  return Math.imul(mix ^ (mix >>> 15), 0xc2b2ae35)
}
