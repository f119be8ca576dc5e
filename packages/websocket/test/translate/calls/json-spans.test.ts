import fc from 'fast-check'
import { expect, test } from 'vitest'
import { itemsOf, membersOf } from '../../../src/translate/calls/json-spans.ts'

const texts = fc.json({ maxDepth: 4 })
const space = fc.constantFrom('', ' ', '\n', '\t \r\n')

test('finds the items of any array, wherever space stands', () => {
  fc.assert(
    fc.property(fc.array(texts), space, (items, gap) => {
      const text = `${gap}[${items.map((item) => `${gap}${item}${gap}`).join(',')}${gap}]`
      JSON.parse(text)
      expect(itemsOf(text).map(({ start, end }) => text.slice(start, end))).toEqual(items.map((item) => item.trim()))
    }),
    { seed: 3, numRuns: 500 },
  )
})

test('finds the members of any object, the names of which may be written in any way', () => {
  const name = fc.string({ unit: fc.constantFrom('i', 'd', '"', '\\', '\u0000', '}', ',', ':', 'é') })
  fc.assert(
    fc.property(fc.array(fc.tuple(name, texts)), space, (members, gap) => {
      const text = `{${members.map(([name, value]) => `${gap}${JSON.stringify(name)}${gap}:${gap}${value}${gap}`).join(',')}}`
      JSON.parse(text)
      expect(membersOf(text).map(({ name, start, end }) => [name, text.slice(start, end)])).toEqual(
        members.map(([name, value]) => [name, value.trim()]),
      )
    }),
    { seed: 3, numRuns: 500 },
  )
})

test('reads a name with escapes', () => {
  expect(membersOf('{"\\u0069d": 7}')).toEqual([{ name: 'id', start: 12, end: 13 }])
})
