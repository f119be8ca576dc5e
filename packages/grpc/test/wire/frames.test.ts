import { HeaderList } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Base64Reader, Base64Writer } from '../../src/web/base64.ts'
import { trailerFrame, trailersIn } from '../../src/web/trailer-frame.ts'
import { type Frame, FrameReader, frame } from '../../src/wire/frames.ts'
import { decodedMessage, encodedMessage, statusFields, statusIn } from '../../src/wire/status-fields.ts'
import { timeoutMsIn, timeoutText } from '../../src/wire/timeout.ts'

const messages = fc.array(fc.record({ flags: fc.nat(255), data: fc.uint8Array({ maxLength: 40 }) }), { maxLength: 6 })
const cuts = fc.array(fc.nat(200), { maxLength: 10 })

function pieces(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const ends = [...at.map((cut) => Math.min(cut, bytes.byteLength)).sort((a, b) => a - b), bytes.byteLength]
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

test('messages come out of any pieces as they went in', () => {
  fc.assert(
    fc.property(messages, cuts, (given, at) => {
      const reader = new FrameReader(1_000)
      const found: Frame[] = []
      for (const piece of pieces(Buffer.concat(given.map(({ data, flags }) => frame(data, flags))), at))
        reader.push(piece, (each) => found.push(each))
      expect(found.map(({ flags, data }) => [flags, [...data]])).toEqual(given.map(({ flags, data }) => [flags, [...data]]))
      expect(reader.isBetween).toBe(true)
    }),
    { seed: 50, numRuns: 1_000 },
  )
})

test('any bytes are messages or too long, and what is held is no more than one message', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), cuts, (bytes, at) => {
      const reader = new FrameReader(16)
      try {
        for (const piece of pieces(bytes, at)) reader.push(piece, ({ data }) => expect(data.byteLength).toBeLessThanOrEqual(16))
      } catch (error) {
        expect(error).toMatchObject({ code: 'BODY_TOO_LARGE' })
      }
    }),
    { seed: 51, numRuns: 2_000 },
  )
})

test('base64 in any pieces is the bytes, also where each piece is padded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), cuts, cuts, (bytes, parts, at) => {
      const text = Buffer.from(
        pieces(bytes, parts)
          .map((part) => Buffer.from(part).toString('base64'))
          .join(''),
      )
      const reader = new Base64Reader()
      const out = Buffer.concat(pieces(text, at).map((piece) => reader.push(piece)))
      reader.end()
      expect([...out]).toEqual([...bytes])
      const writer = new Base64Writer()
      const written = [...pieces(bytes, at).map((piece) => writer.push(piece)), writer.end()].map((each) =>
        Buffer.from(each ?? []).toString(),
      )
      expect(written.join('')).toBe(Buffer.from(bytes).toString('base64'))
    }),
    { seed: 52, numRuns: 1_000 },
  )
})

test.each(['a', 'ab=', 'a===', '====', 'ab=c', '!!!!', 'abc\n'])('%j is no base64', (text) => {
  const reader = new Base64Reader()
  expect(() => {
    reader.push(Buffer.from(text))
    reader.end()
  }).toThrow(expect.objectContaining({ code: 'MALFORMED_BODY' }))
})

test('trailers come back out of their frame', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/).map((text) => `x-${text}`)
  const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/)
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (fields) => {
      const { data } = framesIn(trailerFrame(new HeaderList([['grpc-status', '0'], ...fields])))
      expect([...trailersIn(data)]).toEqual([['grpc-status', '0'], ...fields])
    }),
    { seed: 53, numRuns: 500 },
  )
})

test('any bytes are trailers, if none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      for (const [name] of trailersIn(bytes)) expect(name).not.toBe('')
    }),
    { seed: 54, numRuns: 1_000 },
  )
})

test('without a status, trailers say that there is none', () => {
  expect(trailersIn(framesIn(trailerFrame(undefined)).data).get('grpc-status')).toBe('2')
})

function framesIn(bytes: Uint8Array): Frame {
  const found: Frame[] = []
  new FrameReader(10_000).push(bytes, (each) => found.push(each))
  expect([found.length, found[0]?.flags]).toEqual([1, 0x80])
  return found[0] as Frame
}

describe('a status', () => {
  test('has any text as its message', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.nat(16), (message, code) => {
        const fields = statusFields({ code, message })
        expect(statusIn(fields)).toEqual({ code, message, details: undefined })
      }),
      { seed: 55, numRuns: 1_000 },
    )
  })

  test('is written as gRPC says', () => {
    expect(encodedMessage('100 % of ü\n')).toBe('100 %25 of %C3%BC%0A')
    expect(decodedMessage('100 %25 of %C3%BC%0A, %zz')).toBe('100 % of ü\n, %zz')
  })

  test.each(['17', '-1', 'x', '', '014x'])('%j is one that is not known', (said) => {
    expect(statusIn(new HeaderList([['grpc-status', said]]))).toMatchObject({ code: 2 })
  })
})

test.each([
  ['1H', 3_600_000],
  ['90M', 5_400_000],
  ['5S', 5_000],
  ['250m', 250],
  ['1500u', 1.5],
  ['0m', 0],
  ['123456789m', undefined],
  ['5', undefined],
  ['5s', undefined],
  ['', undefined],
])('the timeout %j is %j ms', (text, ms) => expect(timeoutMsIn(text)).toBe(ms))

test('a timeout is written in eight digits at most', () => {
  expect([0.2, 1_500.7, 99_999_999, 100_000_000, 1e14].map(timeoutText)).toEqual([
    '1m',
    '1500m',
    '99999999m',
    '100000S',
    '99999999S',
  ])
})
