import { expect, test } from 'vitest'
import { mixed, xxHash32 } from '../../src/strategies/xxhash32.ts'

// The buffer of xxHash's own sanity check (xxhsum.c).
const buffer = Buffer.alloc(222)
let generated = 2_654_435_761
for (let at = 0; at < buffer.length; at++) {
  buffer[at] = generated >>> 24
  generated = Math.imul(generated, generated) >>> 0
}

// Its published results for even lengths: a string has two bytes for each unit.
test.each([
  [0, 0, 0x02cc5d05],
  [0, 2_654_435_761, 0x36b78ae7],
  [14, 0, 0xe5aa0ab4],
  [14, 2_654_435_761, 0x4481951d],
  [222, 0, 0xc8070816],
  [222, 2_654_435_761, 0xf3cfc852],
])('hashes %i bytes with the seed %i as published', (length, seed, hash) => {
  expect(xxHash32(buffer.subarray(0, length).toString('utf16le'), seed)).toBe(hash)
})

test('tells strings apart by every unit, lone surrogates too, whatever the length', () => {
  const texts = Array.from({ length: 40 }, (_, length) => 'x'.repeat(length))
  for (const text of texts) {
    for (let at = 0; at < text.length; at++)
      for (const other of ['y', 'Ÿ', '\ud800', '\udfff']) texts.push(text.slice(0, at) + other + text.slice(at + 1))
    if (texts.length > 4_000) break
  }
  const unique = new Set(texts)
  expect(new Set([...unique].map((text) => xxHash32(text))).size).toBe(unique.size)
})

test('mixes one to one, and each bit changes about half of the result', () => {
  const changes = Array.from({ length: 32 }, (_, bit) => {
    let changed = 0
    for (let value = 0; value < 1_000; value++)
      for (let left = mixed(value * 7919) ^ mixed((value * 7919) ^ (1 << bit)); left !== 0; left &= left - 1) changed++
    return changed / 1_000
  })
  for (const bits of changes) expect(Math.abs(bits - 16)).toBeLessThan(1)
  expect(new Set(Array.from({ length: 10_000 }, (_, value) => mixed(value))).size).toBe(10_000)
})
