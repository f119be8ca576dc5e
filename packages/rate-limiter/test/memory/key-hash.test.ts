import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyHash } from '../../src/memory/key-hash.ts'

/** HalfSipHash with 64 bits of result, as its authors define it: over words, with so many rounds for each and at the end. */
function halfSipHash(
  words: readonly number[],
  last: number,
  [k0, k1]: readonly [number, number],
  rounds: readonly [number, number],
) {
  const v = Int32Array.of(k0, k1 ^ 0xee, 0x6c796765 ^ k0, 0x74656462 ^ k1)
  const rotated = (at: number, by: number) => ((v[at] as number) << by) | ((v[at] as number) >>> (32 - by))
  const add = (to: number, from: number) => {
    v[to] = (v[to] as number) + (v[from] as number)
  }
  const mix = (at: number, by: number, other: number) => {
    v[at] = rotated(at, by) ^ (v[other] as number)
  }
  const turn = (times: number) => {
    for (let time = 0; time < times; time++) {
      add(0, 1)
      mix(1, 5, 0)
      v[0] = rotated(0, 16)
      add(2, 3)
      mix(3, 8, 2)
      add(0, 3)
      mix(3, 7, 0)
      add(2, 1)
      mix(1, 13, 2)
      v[2] = rotated(2, 16)
    }
  }
  for (const word of [...words, last]) {
    v[3] = (v[3] as number) ^ word
    turn(rounds[0])
    v[0] = (v[0] as number) ^ word
  }
  v[2] = (v[2] as number) ^ 0xee
  turn(rounds[1])
  const low = (v[1] as number) ^ (v[3] as number)
  v[1] = (v[1] as number) ^ 0xdd
  turn(rounds[1])
  return [low, (v[1] as number) ^ (v[3] as number)]
}

test('the definition gives what the authors publish for HalfSipHash-2-4', () => {
  const key = [0x03020100, 0x07060504] as const
  const bytes = (words: number[]) => Buffer.from(Int32Array.from(words).buffer).toString('hex')
  expect(bytes(halfSipHash([], 0, key, [2, 4]))).toBe('218d1f59b9b83cc8')
  expect(bytes(halfSipHash([], 1 << 24, key, [2, 4]))).toBe('be552412f8387315')
})

test('hashes keys of one-byte characters as HalfSipHash-1-3 does', () => {
  const latin = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 64 })
  const seed = fc.tuple(fc.integer(), fc.integer()) as fc.Arbitrary<[number, number]>
  fc.assert(
    fc.property(latin, seed, (key, seed) => {
      // The last word: what is left of the key, and its length in the uppermost byte.
      const padded = Buffer.alloc(Math.floor(key.length / 4) * 4 + 4)
      padded.write(key, 'latin1')
      padded.writeUInt8(key.length, padded.length - 1)
      const words = Array.from({ length: padded.length / 4 }, (_, at) => padded.readInt32LE(at * 4))
      const hash = new KeyHash()
      hash.hash(key, seed)
      expect([hash.low, hash.high]).toEqual(halfSipHash(words.slice(0, -1), words.at(-1) ?? 0, seed, [1, 3]))
    }),
    { seed: 1, numRuns: 300 },
  )
})

test('tells all keys apart, also those that look alike byte by byte', () => {
  const anything = fc.string({ unit: 'binary', maxLength: 40 })
  const hash = new KeyHash()
  const seen = new Map<string, string>()
  const see = (key: string) => {
    hash.hash(key, [1, 2])
    const found = `${hash.low} ${hash.high}`
    expect(seen.get(found) ?? key).toBe(key)
    seen.set(found, key)
  }
  fc.assert(fc.property(anything, see), { seed: 2, numRuns: 5_000 })
  for (const key of [
    '',
    '\0',
    '\0\0',
    '\0\0\0\0',
    'Ā',
    '\0\u0001',
    'aĀ',
    'abcdĀ',
    'abcd\0\u0001',
    'a\0b\0',
    'ab',
    '扡',
    'ab\0',
    '扡\0',
  ])
    see(key)
})
