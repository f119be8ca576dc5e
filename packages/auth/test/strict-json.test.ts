import fc from 'fast-check'
import { expect, test } from 'vitest'
import { strictObject } from '../src/strict-json.ts'

/** A JSON value as it is written: members in their order, also some that stand twice. */
type Written =
  | null
  | boolean
  | number
  | string
  | readonly Written[]
  | { readonly members: readonly (readonly [string, Written])[] }

const read = (text: string) => strictObject(Buffer.from(text))

// Names and texts of what a scanner may stumble over, and few of them, so that names meet.
const text = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'aud',
    '',
    '"',
    '\\',
    '\\"',
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '":',
    '__proto__',
    'constructor',
    '\u0000',
    '😀',
    'é',
    '7',
  ),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
)

const { value } = fc.letrec<{ value: Written; object: Written }>((tie) => ({
  object: fc.record({ members: fc.array(fc.tuple(text, tie('value')), { maxLength: 5 }) }),
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.parse(JSON.stringify(number)) as number),
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
}))
const object = fc.record({ members: fc.array(fc.tuple(text, value), { maxLength: 5 }) })

/** As JSON, with white space and escapes of which there is no need. */
function written(value: Written, chance: () => number): string {
  const space = () => ' \n\t\r'.slice(0, chance() < 0.3 ? 1 + chance() * 4 : 0)
  const name = (text: string) =>
    chance() < 0.5
      ? JSON.stringify(text)
      : `"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
  const within = (value: Written): string => {
    if (typeof value === 'string') return name(value)
    if (typeof value !== 'object' || value === null) return JSON.stringify(value)
    const parts =
      'members' in value
        ? value.members.map(([key, each]) => `${name(key)}${space()}:${space()}${within(each)}`)
        : value.map(within)
    const body = parts.map((part) => space() + part + space()).join(',')
    return 'members' in value ? `{${body || space()}}` : `[${body || space()}]`
  }
  return space() + within(value) + space()
}

function isAmbiguous(value: Written): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (!('members' in value)) return value.some(isAmbiguous)
  const names = value.members.map(([name]) => name)
  return new Set(names).size < names.length || value.members.some(([, each]) => isAmbiguous(each))
}

test('reads what JSON.parse reads, and nothing where a member stands twice, at any depth and in any spelling', () => {
  const seen = { ambiguous: 0, plain: 0 }
  fc.assert(
    fc.property(object, fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })), (value, chances) => {
      const text = written(value, () => chances.next().value as number)
      const isTwice = isAmbiguous(value)
      seen[isTwice ? 'ambiguous' : 'plain']++
      expect(read(text)).toEqual(isTwice ? undefined : JSON.parse(text))
    }),
    { seed: 8, numRuns: 3_000 },
  )
  expect(Math.min(seen.ambiguous, seen.plain)).toBeGreaterThan(300)
})

test('of any bytes it reads nothing that JSON.parse does not read, and never throws', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: fc.constantFrom(...'{}[]",:\\ua0e-. \n'), maxLength: 40 }).map((text) => Buffer.from(`{${text}}`)),
  )
  fc.assert(
    fc.property(bytes, (bytes) => {
      const value = strictObject(bytes)
      if (value !== undefined) expect(value).toEqual(JSON.parse(Buffer.from(bytes).toString()))
    }),
    { seed: 8, numRuns: 5_000 },
  )
})

test.each<[string, string | Uint8Array]>([
  ['nothing', ''],
  ['a list', '[]'],
  ['null', 'null'],
  ['a text', '"{}"'],
  ['two objects', '{}{}'],
  ['what follows an object', '{} x'],
  ['NUL behind it', '{}\0'],
  ['a byte order mark', '\uFEFF{}'],
  ['a comma too many', '{"a":1,}'],
  ['a comment', '{/* */}'],
  ['a string that does not end', '{"a'],
  ['an escape that does not end', '{"a\\'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ['an overlong form', Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d])],
  ['half a pair of surrogates', Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d])],
])('%s is no object', (_, text) => {
  expect(typeof text === 'string' ? read(text) : strictObject(text)).toBeUndefined()
})

test('objects and lists lie 32 deep in each other, and no deeper', () => {
  const deep = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  const lists = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
  for (const made of [deep, lists]) {
    expect(read(made(32))).toEqual(JSON.parse(made(32)))
    expect(read(made(33))).toBeUndefined()
  }
})
