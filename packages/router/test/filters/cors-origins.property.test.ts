import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isOrigin, originPattern, originSet } from '../../src/filters/cors-origins.ts'

const setOf = (...patterns: string[]) => originSet(patterns.map((pattern) => originPattern(pattern, 'allowOrigins')))

// Pieces that readers of URLs take for different things.
const piece = fc.constantFrom(
  ...[
    'https://',
    'http://',
    'a',
    'example.com',
    '.example.com',
    'evil.test',
    '.',
    '-',
    '_',
    '/',
    '\\',
    '@',
    ':',
    '?',
    '#',
    '%2e',
  ],
  ...[':443', ':8443', ',', ' ', '\t', '[::1]', 'null', '*', 'é', '\u3002', '\0', '//', ';'],
)
const origins = fc.oneof(
  fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join('')),
  fc.array(piece, { maxLength: 5 }).map((pieces) => `https://${pieces.join('')}.example.com`),
)

describe('an origin that a wildcard lets in', () => {
  test('is below its name, with its scheme and port, for whoever reads it as a URL', () => {
    const below = setOf('https://*.example.com')
    const property = fc.property(origins, (origin) => {
      if (!below.has(origin)) return
      const { protocol, hostname, port, username, pathname, search, hash } = new URL(origin)
      expect(hostname).toMatch(/[^.]\.example\.com$/)
      expect([protocol, port, username, pathname, search, hash]).toEqual(['https:', '', '', '/', '', ''])
      expect(isOrigin(origin)).toBe(true)
    })
    fc.assert(property, { seed: 15, numRuns: 20_000, examples: [['https://a.example.com']] })
  })

  test('is what a browser would send', () => {
    const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?$/)
    const property = fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), (labels) => {
      const origin = `https://${labels.join('.')}.example.com`
      expect(setOf('https://*.example.com').has(origin)).toBe(true)
      expect(setOf('https://*').has(origin)).toBe(true)
      expect(setOf(origin.toUpperCase()).has(origin)).toBe(true)
    })
    fc.assert(property, { seed: 16 })
  })
})

test('patterns are refused or taken, whatever they are', () => {
  const property = fc.property(fc.oneof(origins, fc.anything()), (pattern) => {
    try {
      const taken = originPattern(pattern, 'x')
      expect(originPattern(taken, 'x')).toBe(taken)
    } catch (error) {
      expect(error).toMatchObject({ code: 'BAD_OPTION' })
    }
  })
  fc.assert(property, { seed: 17, numRuns: 5_000 })
})
