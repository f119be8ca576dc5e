import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { closeFrame, FrameBoundary } from '../../src/upgrade/frame-boundary.ts'

/** One frame (RFC 6455 §5.2), with as many bytes of length as asked for. */
function frame(opcode: number, payload: Buffer, { masked = false, lengthBytes = 0 as 0 | 2 | 8 } = {}): Buffer {
  const wide = lengthBytes || (payload.length > 65_535 ? 8 : payload.length > 125 ? 2 : 0)
  const length = Buffer.alloc(wide)
  if (wide === 2) length.writeUInt16BE(payload.length)
  if (wide === 8) length.writeBigUInt64BE(BigInt(payload.length))
  const short = wide === 2 ? 126 : wide === 8 ? 127 : payload.length
  const mask = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0)
  return Buffer.concat([Buffer.from([0x80 | opcode, short | (masked ? 128 : 0)]), length, mask, payload])
}

const frames = fc.array(
  fc
    .record({
      opcode: fc.integer({ min: 0, max: 15 }).filter((opcode) => opcode !== 8),
      // Full of what could be taken for heads.
      payload: fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constant(new Uint8Array(70_000).fill(0x88))),
      masked: fc.boolean(),
      lengthBytes: fc.constantFrom<0 | 2>(0, 2),
    })
    .map(({ opcode, payload, masked, lengthBytes }) =>
      frame(opcode, Buffer.from(payload), { masked, lengthBytes: payload.length > 65_535 ? 0 : lengthBytes }),
    ),
  { maxLength: 8 },
)

/** The stream in pieces, cut at shares of its length. */
function pieces(stream: Buffer, shares: readonly number[]): Buffer[] {
  const cuts = shares.map((share) => Math.floor(share * stream.length)).sort((a, b) => a - b)
  return [0, ...cuts].map((from, at) => stream.subarray(from, cuts[at] ?? stream.length))
}

const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })

test('stands between two frames where one ends, and nowhere else, however the stream is cut', () => {
  fc.assert(
    fc.property(frames, shares, (list, cuts) => {
      const ends = new Set([0])
      for (const [at] of list.entries()) ends.add(Buffer.concat(list.slice(0, at + 1)).length)
      const boundary = new FrameBoundary()
      let seen = 0
      for (const piece of pieces(Buffer.concat(list), cuts)) {
        boundary.pass(piece)
        seen += piece.length
        expect(boundary.isHere).toBe(ends.has(seen))
      }
      expect(boundary.hasClosed).toBe(false)
    }),
    { seed: 1 },
  )
})

test('finds the end of the frame in hand, in this piece or in a later one', () => {
  fc.assert(
    fc.property(frames, frames, shares, fc.double({ min: 0, max: 1, noNaN: true }), (before, after, cuts, share) => {
      const stream = Buffer.concat([...before, ...after])
      let end = 0
      const at = Math.floor(share * stream.length)
      for (const each of [...before, ...after]) if (end < at) end += each.length
      const boundary = new FrameBoundary()
      boundary.pass(stream.subarray(0, at))
      let passed = at
      for (const piece of pieces(stream.subarray(at), cuts)) {
        if (boundary.isHere) break
        passed += boundary.passFrame(piece)
      }
      expect(passed).toBe(end)
    }),
    { seed: 2 },
  )
})

describe('a frame boundary', () => {
  test('knows that a Close frame has begun', () => {
    const boundary = new FrameBoundary()
    boundary.pass(Buffer.from([0x88]))
    expect([boundary.hasClosed, boundary.isHere]).toEqual([true, false])
  })

  test('takes the whole range of lengths, with more bytes than needed too', () => {
    const boundary = new FrameBoundary()
    boundary.pass(frame(2, Buffer.alloc(5), { lengthBytes: 8 }))
    expect(boundary.isHere).toBe(true)
    boundary.pass(Buffer.from([0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]))
    boundary.pass(Buffer.alloc(65_536))
    expect(boundary.isHere).toBe(false)
  })

  test('is never found again behind a length that no frame can have', () => {
    const boundary = new FrameBoundary()
    boundary.pass(Buffer.from([0x82, 127, ...Array(8).fill(255)]))
    for (let i = 0; i < 3; i++) boundary.pass(Buffer.from([0x82, 0]))
    expect(boundary.isHere).toBe(false)
    expect(boundary.passFrame(Buffer.from([0x82, 0]))).toBe(2)
  })

  test('is followed by Close frames of ours that it understands itself', () => {
    const boundary = new FrameBoundary()
    boundary.pass(closeFrame(1012))
    expect([boundary.isHere, boundary.hasClosed, closeFrame(1012).readUInt16BE(2)]).toEqual([true, true, 1012])
  })
})
