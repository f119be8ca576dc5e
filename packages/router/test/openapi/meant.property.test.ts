import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Place } from '../../src/openapi/place.ts'
import { meant } from '../../src/openapi/shape.ts'

const seed = { seed: 6, numRuns: 3_000 }
const schemaOf = (schema: object) => new Place({ schema }).child('schema')

test('a number is read where JSON would read the same number, and nothing else is one', () => {
  const piece = fc.constantFrom('0', '1', '7', '-', '+', '.', 'e', 'E', 'x', ' ', '_', 'Infinity', 'NaN', '00')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.join('')
      const value = meant(text, schemaOf({ type: 'number' }))
      const isJson = /^\S+$/.test(text) && !Number.isNaN(Number(text)) && isNumber(text)
      expect(value).toBe(isJson ? JSON.parse(text) : text)
    }),
    seed,
  )
})

function isNumber(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'number'
  } catch {
    return false
  }
}

test('whole numbers come back as they were written', () => {
  const integer = schemaOf({ type: ['integer', 'null'] })
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (big) => {
      const value = meant(String(big), integer)
      expect(String(value)).toBe(String(big))
      expect(typeof value).toBe(Number.isSafeInteger(Number(big)) ? 'number' : 'string')
    }),
    seed,
  )
})

test('a text that may be a text stays one', () => {
  for (const schema of [
    {},
    { type: 'string' },
    { type: ['integer', 'string'] },
    { enum: [1, '1'] },
    { anyOf: [{ type: 'string' }, { type: 'number' }] },
  ]) {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(meant(text, schemaOf(schema))).toBe(text)
      }),
      { ...seed, numRuns: 200 },
    )
  }
})

test('a schema that leads back to itself ends', () => {
  const root = new Place({ schema: { anyOf: [{ $ref: '#/schema' }, { type: 'integer' }] } })
  expect(meant('7', root.child('schema'))).toBe(7)
})
