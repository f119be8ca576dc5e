import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exactNumbers } from '../../src/json/exact-numbers.ts'
import { ArraySplitter, type JsonSplitter, LineSplitter } from '../../src/json/json-splitter.ts'

function split(splitter: JsonSplitter, text: string, cuts: readonly number[] = []): unknown[] {
  const bytes = Buffer.from(text)
  const found: unknown[] = []
  const each = (json: string) => found.push(JSON.parse(json))
  let from = 0
  for (const cut of [...cuts.map((at) => Math.min(at, bytes.length)).sort((a, b) => a - b), bytes.length]) {
    splitter.push(bytes.subarray(from, cut), each)
    from = cut
  }
  splitter.end(each)
  return found
}

// -0 is 0 in JSON.
const values = fc.array(
  fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  { maxLength: 6 },
)
const cuts = fc.array(fc.nat(300), { maxLength: 8 })

test('an array in any pieces gives its elements', () => {
  fc.assert(
    fc.property(values, cuts, fc.constantFrom(0, 1, 2), (list, at, indent) => {
      expect(split(new ArraySplitter(100_000), JSON.stringify(list, null, indent), at)).toEqual(list)
    }),
    { seed: 40, numRuns: 1_000 },
  )
})

test('lines in any pieces give their values', () => {
  fc.assert(
    fc.property(values, cuts, fc.constantFrom('\n', '\r\n', '\n\n'), (list, at, end) => {
      expect(split(new LineSplitter(100_000), list.map((value) => JSON.stringify(value)).join(end), at)).toEqual(list)
    }),
    { seed: 41, numRuns: 1_000 },
  )
})

test('any bytes give values or an error that says what is wrong', () => {
  const pieces = fc.constantFrom('[', ']', '{', '}', ',', '"', '\\', ' ', '1', 'true', '\n')
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 15 }), cuts, (parts, at) => {
      for (const splitter of [new ArraySplitter(8), new LineSplitter(8)]) {
        try {
          split(splitter, parts.join(''), at)
        } catch (error) {
          expect((error as Error).message).toMatch(/JSON|array|bytes|Unexpected|Unterminated|Expected|escaped/)
        }
      }
    }),
    { seed: 42, numRuns: 2_000 },
  )
})

test('what is too long is refused before it is whole', () => {
  for (const splitter of [new ArraySplitter(10), new LineSplitter(10)])
    expect(() => splitter.push(Buffer.from(`["${'x'.repeat(11)}`), () => {})).toThrow(/10 bytes/)
})

describe('whole numbers that JavaScript would round', () => {
  test.each([
    ['{"a":9007199254740993}', '{"a":"9007199254740993"}'],
    ['[-9007199254740993, 1]', '["-9007199254740993", 1]'],
    ['{"a":9007199254740991}', '{"a":9007199254740991}'],
    ['{"a":1234567890123456789.5}', '{"a":1234567890123456789.5}'],
    ['{"a":1234567890123456789e3}', '{"a":1234567890123456789e3}'],
    ['{"a":0.1234567890123456789}', '{"a":0.1234567890123456789}'],
    ['{"a":1e1234567890123456789}', '{"a":1e1234567890123456789}'],
    [
      '{"9007199254740993":"x 9007199254740993 \\" 9007199254740993"}',
      '{"9007199254740993":"x 9007199254740993 \\" 9007199254740993"}',
    ],
  ])('%s', (given, expected) => expect(exactNumbers(given)).toBe(expected))
})
