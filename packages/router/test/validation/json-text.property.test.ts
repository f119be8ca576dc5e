import { GatewayError } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsedJson } from '../../src/validation/json-text.ts'

const seed = { seed: 6, numRuns: 2_000 }

/** Whether the engine's own reader takes it. */
function takes(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function refusal(text: string): GatewayError | undefined {
  try {
    parsedJson(text)
    return undefined
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
}

test('whatever JSON has is read as the engine reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 2, '\t'), (value, space) => {
      const text = JSON.stringify(value, null, space)
      if (text.includes('__proto__')) return
      expect(parsedJson(text)).toEqual(JSON.parse(text))
    }),
    seed,
  )
})

test('what the engine refuses is refused, and the other way round but for names that come twice', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"b"',
    '"\\u0041"',
    '"\\x"',
    '1',
    '-',
    '0',
    '.5',
    'e3',
    'true',
    'nul',
    ' ',
    '\n',
    '\u0000',
    '"',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('')
      const found = refusal(text)
      if (!takes(text)) expect(found?.code).toBe('MALFORMED_BODY')
      else if (found) expect(found.detail).toMatch(/a name twice/)
    }),
    { ...seed, numRuns: 20_000 },
  )
})

describe('a refusal', () => {
  test.each([
    ['', 'at position 0, a value is expected'],
    ['abc', 'at position 0, a value is expected'],
    ['{"a":1,}', 'at position 7, a name in double quotes is expected'],
    ['{"a" 1}', 'at position 5, a colon is expected'],
    ['{"a":1', 'at position 6, a comma or } is expected'],
    ['[1 2]', 'at position 3, a comma or ] is expected'],
    ['[1],', 'at position 3, the end is expected'],
    ['"a', 'at position 2, a double quote is expected'],
    ['"a\n"', 'at position 2, no control character is expected'],
    ['"\\x"', 'at position 1, an escape that JSON has is expected'],
    ['01', 'at position 1, the end is expected'],
    ['{"a":{"b":1,"b":2}}', 'must not have a name twice in one object (at position 12)'],
    ['{"\\u005f_proto__":1}', 'must not have the name __proto__ (at position 1)'],
    ['['.repeat(101), 'must not be nested deeper than 100 (at position 100)'],
  ])('of %j says where, and what would be right', (text, right) => {
    expect(refusal(text)?.detail).toContain(right)
  })

  test('comes soon for deep nesting, and 100 levels are read', () => {
    expect(refusal('['.repeat(1_000_000))?.detail).toContain('deeper than 100')
    const deep = `${'['.repeat(100)}${']'.repeat(100)}`
    expect(JSON.stringify(parsedJson(deep))).toBe(deep)
  })
})
