import { basic, claimedUser, fixedUsers } from '@gatelet/auth'
import { describe, expect, test } from 'vitest'
import { contextOf } from '../fakes.ts'

const encoded = (text: string) => Buffer.from(text, 'utf8').toString('base64')
const verifier = basic({ check: fixedUsers({ ada: 's3cret:with colon', zoë: '🔑' }) })
const verify = async (authorization?: string) => verifier.verify(contextOf(authorization === undefined ? {} : { authorization }))

describe('basic', () => {
  test.each(['ada:s3cret:with colon', 'zoë:🔑'])('%s proves who it is', async (text) => {
    const subject = text.slice(0, 3)
    expect(await verify(`Basic ${encoded(text)}`)).toMatchObject({ kind: 'proved', principal: { subject, scheme: 'basic' } })
    expect(await verify(`basic ${encoded(text).replace(/=+$/, '')}`)).toMatchObject({ kind: 'proved' })
  })

  test.each(['ada:', 'ada:x', ':', 'eve:s3cret:with colon', '__proto__:x', 'constructor:x'])('%j is refused', async (text) => {
    expect(await verify(`Basic ${encoded(text)}`)).toMatchObject({ kind: 'refused', status: 401, reason: 'wrong-password' })
  })

  test.each<[string, string]>([
    ['no colon', encoded('ada')],
    ['a control character', encoded('ada:\u0000')],
    ['broken UTF-8', Buffer.from([0x61, 0x3a, 0xff]).toString('base64')],
    ['no base64', 'a!b'],
    ['stray bits', 'YTpi'.replace('YTpi', 'YTp=')],
    ['too long', encoded(`ada:${'x'.repeat(4_096)}`)],
    ['nothing', ''],
  ])('%s is a bad request', async (_, text) => {
    expect(await verify(`Basic ${text}`)).toMatchObject({ kind: 'refused', status: 400 })
  })

  test('without one it is absent', async () => {
    expect(await verify()).toEqual({ kind: 'absent' })
    expect(await verify('Bearer x')).toEqual({ kind: 'absent' })
  })

  test.each<[string, () => never | Promise<never>]>([
    [
      'throws',
      () => {
        throw new Error('away')
      },
    ],
    ['rejects', () => Promise.reject(new Error('away'))],
  ])('a function that %s is no reason to call a password wrong', async (_, check) => {
    const verdict = await basic({ check }).verify(contextOf({ authorization: `Basic ${encoded('a:b')}` }))
    expect(verdict).toMatchObject({ kind: 'unavailable' })
  })
})

test.each<[string, unknown]>([
  ['an empty password', ''],
  ['none', undefined],
  ['a number', 7],
])('a user with %s stops the start: anybody could be them', (_, password) => {
  expect(() => fixedUsers({ eve: 'x', ada: password as string })).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION', path: 'ada', message: expect.stringMatching(/must have a password/) }),
  )
})

test('the name that is claimed can be known before it is proved', () => {
  const claimed = (authorization: string) => claimedUser(contextOf({ authorization }))
  expect(claimed(`Basic ${Buffer.from('ada:wrong:password').toString('base64')}`)).toBe('ada')
  for (const other of ['Bearer x', 'Basic', 'Basic !', `Basic ${Buffer.from('ada').toString('base64')}`])
    expect(claimed(other)).toBeUndefined()
  expect(claimedUser(contextOf())).toBeUndefined()
})
