/**
 * xxHash32 (Yann Collet, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md) of a string's UTF-16 code units,
 * low byte first: the same number in every process and on every machine. Nothing is encoded first, so nothing is
 * allocated, and two strings that differ, if only in lone surrogates, are different input. Not for secrets: who knows the
 * seed can make strings that collide.
 * @param seed a whole number, of which the lower 32 bits count
 * @returns a whole number from 0 to 2^32 − 1
 */
export function xxHash32(text: string, seed = 0): number {
  const units = text.length
  let at = 0
  let hash: number
  if (units >= 8) {
    let a = (seed + PRIME_1 + PRIME_2) | 0
    let b = (seed + PRIME_2) | 0
    let c = seed | 0
    let d = (seed - PRIME_1) | 0
    for (; at + 8 <= units; at += 8) {
      a = round(a, word(text, at))
      b = round(b, word(text, at + 2))
      c = round(c, word(text, at + 4))
      d = round(d, word(text, at + 6))
    }
    hash = (rotated(a, 1) + rotated(b, 7) + rotated(c, 12) + rotated(d, 18)) | 0
  } else {
    hash = (seed + PRIME_5) | 0
  }
  hash = (hash + 2 * units) | 0
  for (; at + 2 <= units; at += 2) {
    hash = (hash + Math.imul(word(text, at), PRIME_3)) | 0
    hash = Math.imul(rotated(hash, 17), PRIME_4)
  }
  // Of an odd unit, the two bytes that are left one by one.
  if (at < units) {
    const unit = text.charCodeAt(at)
    hash = lastByte(lastByte(hash, unit & 0xff), unit >>> 8)
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2)
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * Mixes 32 bits so that each one of them changes about half of the result: the finalizer of MurmurHash3 (Austin Appleby).
 * One to one: different input gives a different number.
 * @returns a whole number from −2^31 to 2^31 − 1: one that goes beyond may be an object to the engine, where this is not inlined
 */
export function mixed(bits: number): number {
  let mix = bits ^ (bits >>> 16)
  mix = Math.imul(mix, 0x85ebca6b)
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35)
  return mix ^ (mix >>> 16)
}

const PRIME_1 = 0x9e3779b1
const PRIME_2 = 0x85ebca77
const PRIME_3 = 0xc2b2ae3d
const PRIME_4 = 0x27d4eb2f
const PRIME_5 = 0x165667b1

const word = (text: string, at: number): number => text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16)

const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by))

const round = (lane: number, input: number): number => Math.imul(rotated((lane + Math.imul(input, PRIME_2)) | 0, 13), PRIME_1)

const lastByte = (hash: number, byte: number): number => Math.imul(rotated((hash + Math.imul(byte, PRIME_5)) | 0, 11), PRIME_1)
