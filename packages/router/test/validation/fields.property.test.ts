import { GatewayError } from '@gatelet/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fieldsOf } from '../../src/validation/fields.ts'

const seed = { seed: 6, numRuns: 2_000 }

/** The same fields by the reader of the web. */
function expected(text: string): Record<string, string | string[]> {
  const params = new URLSearchParams(`?${text}`)
  return Object.fromEntries(
    [...new Set(params.keys())].map((name) => {
      const values = params.getAll(name)
      return [name, values.length === 1 ? (values[0] as string) : values]
    }),
  )
}

test('what was written as a form is read as it was meant', () => {
  const pairs = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'ü', 'x y', ''), fc.string({ unit: 'grapheme' })), { maxLength: 8 })
  fc.assert(
    fc.property(pairs, (list) => {
      const text = new URLSearchParams(list).toString()
      expect({ ...fieldsOf(text, 10) }).toEqual(expected(text))
    }),
    seed,
  )
})

test('any text is read as the web reads it, or refused', () => {
  const piece = fc.constantFrom('a', 'b', '=', '&', '+', '%20', '%C3%A9', '%', '%zz', '%ff', '__proto__', '?', ';', '%26')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const text = pieces.join('')
      try {
        const fields = fieldsOf(text, 10)
        expect(Object.getPrototypeOf(fields)).toBe(null)
        expect({ ...fields }).toEqual(expected(text))
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        expect(error.detail).toMatch(/percent-encoded UTF-8|the name __proto__/)
        expect(text).toMatch(/%(?!20|C3%A9|26)|__proto__/)
      }
    }),
    seed,
  )
})

test('there are no more fields than are allowed, whatever they are', () => {
  expect(fieldsOf('&&a=1&&b=2&', 2)).toEqual(Object.assign(Object.create(null), { a: '1', b: '2' }))
  expect(() => fieldsOf('a&a&a', 2)).toThrow('must have at most 2 fields')
})
