import { absent, auth, firstOf, type Verdict, type Verifier } from '@gatelet/auth'
import { chain } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { ada, contextOf, hello, replyOf, saying } from './fakes.ts'

const proved: Verdict = { kind: 'proved', principal: ada }
const refused: Verdict = { kind: 'refused', status: 401, reason: 'expired' }
const never: Verifier = {
  challenges: [{ scheme: 'Never', params: {} }],
  verify() {
    throw new Error('asked')
  },
}

describe.each([
  ['at once', false],
  ['later', true],
])('firstOf, with verifiers that answer %s', (_, isLate) => {
  const say = (verdict: Verdict, scheme?: string) => saying(verdict, scheme, isLate)

  test('who has no credential for one is asked by the next', async () => {
    expect(await firstOf(say(absent), say(absent), say(proved), never).verify(contextOf())).toEqual(proved)
    expect(await firstOf(say(absent), say(absent)).verify(contextOf())).toBe(absent)
  })

  test('a bad credential never falls through', async () => {
    expect(await firstOf(say(absent), say(refused), never).verify(contextOf())).toMatchObject(refused)
    const away: Verdict = { kind: 'unavailable', reason: 'no keys' }
    expect(await firstOf(say(away), never).verify(contextOf())).toEqual(away)
  })

  test('who has none is offered every way in, who has a bad one that way', async () => {
    const answered = async (first: Verdict) =>
      (
        await replyOf(
          chain()
            .use(auth(firstOf(say(first, 'Bearer'), say(absent, 'Basic'))))
            .to(hello),
        )
      ).headers.getAll('www-authenticate')
    expect(await answered(absent)).toEqual(['Bearer realm="api"', 'Basic realm="api"'])
    expect(await answered(refused)).toEqual(['Bearer realm="api"'])
  })
})

test('firstOf in firstOf asks in the same order, and nothing behind a bad credential', async () => {
  const within = firstOf(firstOf(saying(absent, 'A'), saying(absent, 'B', true)), firstOf(saying(refused, 'C', true), never))
  expect(await within.verify(contextOf())).toEqual({ ...refused, challenges: [{ scheme: 'C', params: {} }] })
  expect(within.challenges.map(({ scheme }) => scheme)).toEqual(['A', 'B', 'C', 'Never'])
})

test('firstOf refuses what is no verifier', () => {
  expect(() => (firstOf as () => Verifier)()).toThrow(/firstOf: verifiers\[0\] must be a verifier/)
  for (const other of [undefined, {}, { verify() {} }])
    expect(() => firstOf(never, other as never)).toThrow(/firstOf: verifiers\[1\] must be a verifier/)
})
