import { randomBytes } from 'node:crypto'

/** A key of a hash function: two 32-bit words. */
export type Seed = readonly [low: number, high: number]

/** One that nobody outside can know or find out. */
export function randomSeed(): Seed {
  const bytes = randomBytes(8)
  return [bytes.readInt32LE(0), bytes.readInt32LE(4)]
}

/**
 * HalfSipHash-1-3 with 64 bits of result: what Linux has for tables that strangers fill. Who does not know the seed cannot
 * make keys that meet, not even those of others. Not for secrets.
 *
 * Its two words stay in `low` and `high` until the next call: an object for each would cost a tenth of a decision.
 */
export class KeyHash {
  low = 0
  high = 0

  /** A seed of its own for each name under one seed. */
  seedOf(name: string, seed: Seed): Seed {
    this.hash(name, seed)
    return [this.low, this.high]
  }

  hash(key: string, [k0, k1]: Seed): void {
    const { length } = key
    let v0 = k0
    let v1 = k1 ^ 0xee
    let v2 = 0x6c796765 ^ k0
    let v3 = 0x74656462 ^ k1
    let rest = length << 24
    let at = 0
    let isWide = false
    // Four one-byte characters a word; from the first wide one on, two. The last word says where that was, so no two keys are
    // fed alike.
    while (at < length) {
      let word = 0
      if (!isWide) {
        const left = length - at
        const a = key.charCodeAt(at)
        const b = left > 1 ? key.charCodeAt(at + 1) : 0
        const c = left > 2 ? key.charCodeAt(at + 2) : 0
        const d = left > 3 ? key.charCodeAt(at + 3) : 0
        if ((a | b | c | d) > 0xff) {
          isWide = true
          rest ^= (at + 1) << 8
          continue
        }
        word = a | (b << 8) | (c << 16) | (d << 24)
        at += 4
      } else {
        word = key.charCodeAt(at) | (at + 1 < length ? key.charCodeAt(at + 1) << 16 : 0)
        at += 2
      }
      v3 ^= word
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
    }
    this.finish(v0, v1, v2, v3, rest)
  }

  private finish(v0: number, v1: number, v2: number, v3: number, last: number): void {
    v3 ^= last
    for (let round = 0; round < 7; round++) {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      if (round === 0) {
        v0 ^= last
        v2 ^= 0xee
      } else if (round === 3) {
        this.low = v1 ^ v3
        v1 ^= 0xdd
      }
    }
    this.high = v1 ^ v3
  }
}
