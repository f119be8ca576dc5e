import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { whyNotLinear } from '../../src/match/linear.ts'

describe('is taken', () => {
  test.each([
    /v\d+/,
    /^v\d+$/,
    /v\d+(?:\.\d+)*/,
    /[a-z0-9]+(-[a-z0-9]+)*/,
    /(?<year>\d{4})-(?<month>\d{2})/,
    /.*\.png/,
    /.+\.(?:png|jpe?g)/,
    /[^/]*x{2,3}/,
    /(?:de|en)(?:-[A-Z]{2})?/,
    /colou?r/i,
    /\x41\u0042[\w.-]*/,
    /\p{L}+/u,
    /[\u{1F600}-\u{1F64F}]+a/u,
    /a|b|/,
    /[\]a\-z]+;/,
    /x*/,
    /a{3}b{0,1000}c/,
    /.*a{100}/,
    /.*(?:a|b{99}c)/,
    /\0\t\n\/\./,
  ])('%s', (pattern) => {
    expect(whyNotLinear(pattern)).toBeUndefined()
  })
})

describe('is refused', () => {
  test.each<[pattern: RegExp, reason: string]>([
    [/(a+)+/, 'no repeat can also take the beginning'],
    [/(?:a+b?)+/, 'no repeat can also take the beginning'],
    [/(a*)*/, 'repeats nothing which may be empty'],
    [/(a|)+/, 'repeats nothing which may be empty'],
    [/(?:a|a)+/, 'alternatives begin with different characters'],
    [/(?:users|user-groups)/, 'alternatives begin with different characters'],
    [/(?:a|A)/i, 'alternatives begin with different characters'],
    [/(?:|)/, 'one alternative at most may be empty'],
    [/\d+\d+/, 'no repeat can also take the beginning'],
    [/\d+\w*/, 'no repeat can also take the beginning'],
    [/.*a.*/, 'no repeat can also take the beginning'],
    [/.*b[a-z]+/, 'no repeat can also take the beginning'],
    [/(?:a?){30}a{30}/, 'repeats nothing which may be empty'],
    [/a?a?a/, 'no repeat can also take the beginning'],
    [/(.*)x/, 'no repeat can also take the beginning'],
    [/(a)\1/, 'without back-references'],
    [/(?<a>a)\k<a>/, 'without back-references'],
    [/(?=a)a/, 'without look-around'],
    [/(?<!a)b/, 'without look-around'],
    [/\bab/, 'without \\b and \\B'],
    [/a/g, 'with no flags, or with i or u alone'],
    [/a/m, 'with no flags, or with i or u alone'],
    [/k/iu, 'with no flags, or with i or u alone'],
    [/a{1001}/, 'that counts up to 1000'],
    [/.*a{101}/, 'in which no repeat can also take'],
    [/.*(?:a{1000}){16}b/, 'in which no repeat can also take'],
    [/.*(?:a{0,1000}b){0,1000}c/, 'in which no repeat can also take'],
    [/a{1,1001}b/, 'that counts up to 1000'],
    [/a^b/, 'that is plain at'],
    [/(^a)/, 'that is plain at'],
    [/a$b/, 'that is plain at'],
    [/\cA/, 'that is plain at'],
    [/a{/, 'that is plain at'],
    [new RegExp(['\\u', '{61}'].join('')), 'that is plain at'],
  ])('%s', (pattern, reason) => {
    expect(whyNotLinear(pattern)).toContain(reason)
  })
})

/** A pattern as a text, and as what a backtracking engine does: every way is tried, the longest repeat first. */
interface Made {
  readonly source: string
  match(text: string, at: number, then: (at: number) => boolean, tick: () => void): boolean
}

const char = (source: string, accepts: RegExp): Made => ({
  source,
  match(text, at, then, tick) {
    tick()
    return at < text.length && accepts.test(text[at] as string) && then(at + 1)
  },
})

const sequence = (parts: readonly Made[]): Made => ({
  source: parts.map((part) => part.source).join(''),
  match: (text, at, then, tick) => {
    const step = (index: number, from: number): boolean => {
      const part = parts[index]
      return part ? part.match(text, from, (next) => step(index + 1, next), tick) : then(from)
    }
    return step(0, at)
  },
})

const choice = (parts: readonly Made[]): Made => ({
  source: `(?:${parts.map((part) => part.source).join('|')})`,
  match: (text, at, then, tick) => parts.some((part) => part.match(text, at, then, tick)),
})

const repeat = (part: Made, [sign, min, max]: readonly [string, number, number]): Made => ({
  source: `(?:${part.source})${sign}`,
  match(text, at, then, tick) {
    const step = (count: number, from: number): boolean => {
      tick()
      // As the engine: a round that takes nothing is no round.
      const again = count < max && part.match(text, from, (next) => next > from && step(count + 1, next), tick)
      return again || (count >= min && then(from))
    }
    return step(0, at)
  },
})

const made = fc.letrec<{ made: Made }>((tie) => ({
  made: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(char('a', /a/), char('b', /b/), char('[ab]', /[ab]/), char('.', /./), char('c', /c/), char('[^a]', /[^a]/)),
    fc.array(tie('made'), { minLength: 1, maxLength: 4 }).map(sequence),
    fc.array(tie('made'), { minLength: 2, maxLength: 3 }).map(choice),
    fc
      .tuple(
        tie('made'),
        fc.constantFrom(
          ['*', 0, Number.POSITIVE_INFINITY] as const,
          ['+', 1, Number.POSITIVE_INFINITY] as const,
          ['?', 0, 1] as const,
          ['{2,3}', 2, 3] as const,
        ),
      )
      .map(([part, bounds]) => repeat(part, bounds)),
  ),
})).made

test('what is taken costs a backtracking engine no more than in proportion to the text', () => {
  let taken = 0
  const unit = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((chars) => chars.join(''))
  fc.assert(
    fc.property(made, unit, fc.constantFrom('', 'a', 'c', 'z'), (pattern, part, end) => {
      if (whyNotLinear(new RegExp(pattern.source)) !== undefined) return
      taken++
      const steps = (times: number) => {
        let count = 0
        const text = part.repeat(times) + end
        pattern.match(
          text,
          0,
          (at) => at === text.length,
          () => void count++,
        )
        return count
      }
      // Twice the text, twice the steps, but for what does not depend on it.
      expect(steps(80)).toBeLessThan(2.2 * steps(40) + 400)
    }),
    { numRuns: 20_000, seed: 20_261_124 },
  )
  expect(taken).toBeGreaterThan(2_000)
}, 30_000)
