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

  hash(key: string, seed: Seed): void {
    const { length } = key
    let v0 = seed[0]
    let v1 = seed[1] ^ 0xee
    let v2 = 0x6c796765 ^ seed[0]
    let v3 = 0x74656462 ^ seed[1]
    // Four one-byte characters a word; the last one holds what is left of them, and the length. Then six rounds without one:
    // in the same loop, since a function for a round would cost more than the round.
    const words = (length >> 2) + 1
    for (let step = 0; step < words + 6; step++) {
      let word = 0
      if (step < words) {
        const at = step * 4
        const a = at < length ? key.charCodeAt(at) : 0
        const b = at + 1 < length ? key.charCodeAt(at + 1) : 0
        const c = at + 2 < length ? key.charCodeAt(at + 2) : 0
        const d = at + 3 < length ? key.charCodeAt(at + 3) : length
        if ((a | b | c) > 0xff || (d > 0xff && at + 3 < length)) {
          this.hash(narrowed(key), [seed[0] ^ 1, seed[1]])
          return
        }
        word = a | (b << 8) | (c << 16) | (d << 24)
      } else if (step === words) v2 ^= 0xee
      else if (step === words + 3) {
        this.low = v1 ^ v3
        v1 ^= 0xdd
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
    this.high = v1 ^ v3
  }
}

/** Wide characters as two narrow ones each. Under another seed, so that no key is taken for the spelling of another. */
function narrowed(key: string): string {
  return Buffer.from(key, 'utf16le').toString('latin1')
}
