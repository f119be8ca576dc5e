import fc from 'fast-check'
import Negotiator from 'negotiator'
import { describe, expect, test } from 'vitest'
import { negotiated } from '../../src/filters/accept-encoding.ts'

const offered = ['br', 'gzip', 'deflate']

describe('negotiated', () => {
  test.each<[string | undefined, string | undefined, boolean]>([
    [undefined, undefined, true],
    ['', undefined, true],
    ['gzip', 'gzip', true],
    ['GZIP', 'gzip', true],
    ['x-gzip', 'gzip', true],
    ['gzip, br', 'br', true],
    ['gzip;q=1, br;q=0.5', 'gzip', true],
    ['gzip ; q=0.1', 'gzip', true],
    ['*', 'br', true],
    ['*, br;q=0', 'gzip', true],
    ['zstd, compress', undefined, true],
    ['gzip;q=0', undefined, true],
    ['gzip;q=0.5, identity', undefined, true],
    ['gzip;q=0.5, identity;q=0.5', 'gzip', true],
    ['identity;q=0', undefined, false],
    ['identity;q=0, gzip', 'gzip', false],
    ['*;q=0', undefined, false],
    ['*;q=0, identity', undefined, true],
    ['*;q=0, gzip', 'gzip', false],
    ['gzip;q=2, br;q=-1, deflate;q=x', undefined, true],
    ['gzip;level=9', undefined, true],
    [',,gzip,', 'gzip', true],
  ])('%j takes %s, and the content as it is: %s', (accept, coding, acceptsIdentity) => {
    expect(negotiated(accept, offered)).toEqual({ coding, acceptsIdentity })
  })

  test('takes what negotiator takes', () => {
    const weight = fc.constantFrom('', ';q=0', ';q=0.3', '; q=0.5', ';q=0.75', ';q=1', ';q=1.000')
    const element = fc.tuple(fc.constantFrom('gzip', 'br', 'deflate', 'identity', '*', 'zstd', 'BR'), weight)
    const lists = fc.uniqueArray(element, { maxLength: 6, selector: ([name]) => name.toLowerCase() })
    const header = lists.map((elements) => elements.map(([name, q]) => name + q).join(', '))
    const property = fc.property(header, (accept) => {
      const { coding, acceptsIdentity } = negotiated(accept, offered)
      const negotiator = new Negotiator({ headers: { 'accept-encoding': accept } })
      const acceptable = negotiator.encodings([...offered, 'identity'])
      const isBest = (name: string) => weightOf(accept, name) === Math.max(...acceptable.map((each) => weightOf(accept, each)))
      expect(acceptable.includes('identity')).toBe(acceptsIdentity)
      expect(coding === undefined ? acceptable.every((name) => name === 'identity' || !isBest(name)) : isBest(coding)).toBe(true)
    })
    fc.assert(property, { seed: 15, numRuns: 2_000 })
  })
})

/** What the header says of one name, read in another way. */
function weightOf(accept: string, name: string): number {
  const said = Object.fromEntries(
    accept
      .toLowerCase()
      .split(', ')
      .map((part) => [part.split(';')[0]?.trim(), Number(part.split('q=')[1] ?? 1)]),
  )
  // As it is, without a word about it: after all that is named.
  return said[name] ?? (name === 'identity' ? 0.001 : (said['*'] ?? 0))
}
