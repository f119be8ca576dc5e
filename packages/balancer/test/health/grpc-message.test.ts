import fc from 'fast-check'
import { expect, test } from 'vitest'
import { framedRequest, servingStatus } from '../../src/health/grpc-message.ts'

const framed = (...message: number[]) => new Uint8Array([0, 0, 0, 0, message.length, ...message])

test('asks for a service by its name, and for the server with an empty message', () => {
  expect([...framedRequest('')]).toEqual([0, 0, 0, 0, 0])
  expect([...framedRequest('ab')]).toEqual([0, 0, 0, 0, 4, 10, 2, 97, 98])
  // A length of two bytes, as protobuf writes 300.
  expect([...framedRequest('x'.repeat(300)).subarray(0, 8)]).toEqual([0, 0, 0, 1, 47, 10, 0xac, 0x02])
})

test.each([
  [[8, 1], 'SERVING'],
  [[8, 2], 'NOT_SERVING'],
  [[8, 3], 'SERVICE_UNKNOWN'],
  [[], 'UNKNOWN'],
  [[8, 99], '99'],
  [[0x12, 2, 0, 0, 8, 1], 'SERVING'],
  [[0x18, 0x96, 1, 0x21, 0, 0, 0, 0, 0, 0, 0, 0, 0x2d, 0, 0, 0, 0, 8, 1], 'SERVING'],
])('reads %j as %s', (message, status) => {
  expect(servingStatus(framed(...message))).toBe(status)
})

test.each([
  ['no message', new Uint8Array(), /no message/],
  ['a compressed one', new Uint8Array([1, 0, 0, 0, 0]), /compressed/],
  ['one that is cut off', new Uint8Array([0, 0, 0, 0, 9, 8, 1]), /cut off/],
  ['a number that does not end', framed(8, 0x80), /not valid/],
  ['a field that is too long', framed(0x12, 9), /not valid/],
  ['a group', framed(0x0b), /not valid/],
])('refuses %s', (_what, bytes, message) => {
  expect(() => servingStatus(bytes)).toThrow(message)
})

test('reads any bytes to an end: a status or an Error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        expect(typeof servingStatus(framed(...bytes))).toBe('string')
      } catch (error) {
        expect((error as Error).message).toMatch(/^its answer/)
      }
    }),
    { seed: 11, numRuns: 2_000 },
  )
})
