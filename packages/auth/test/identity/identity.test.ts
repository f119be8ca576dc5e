import { type IdentityOptions, identity, type Principal, principalOf } from '@gatelet/auth'
import { type Context, chain, HeaderList, type ReadonlyHeaders } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { generateKeyPair, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { ada, contextOf, hello, replyOf } from '../fakes.ts'

const asUser: IdentityOptions = { headers: { 'x-user': ({ subject }) => subject } }

/** What an upstream gets of a request with these fields. */
async function told(options: IdentityOptions, sent: readonly string[] = [], principal: Principal | undefined = ada) {
  let seen: ReadonlyHeaders = new HeaderList()
  const handler = chain<{ principal: Principal | undefined }>()
    .use(identity(options))
    .to((ctx) => {
      seen = ctx.request.headers
      return hello(ctx)
    })
  const headers = new HeaderList()
  for (let at = 0; at < sent.length; at += 2) headers.append(sent[at] as string, sent[at + 1] as string)
  const ctx = contextOf({}, { headers }).with({ principal })
  await replyOf(handler as never, ctx as Context)
  return seen.raw
}

test('says who is asking', async () => {
  expect(await told(asUser)).toEqual(['x-user', 'ada'])
})

describe('takes away what a client has sent in its place', () => {
  const spellings = ['x-user', 'X-User', 'X_User', 'x.user', 'X-USER', 'x_User', 'x-user']

  test.each(spellings)('%s', async (name) => {
    expect(await told(asUser, [name, 'root', 'accept', '*/*'])).toEqual(['accept', '*/*', 'x-user', 'ada'])
  })

  test('all of them at once, also twice, and without a principal', async () => {
    const sent = spellings.flatMap((name) => [name, 'root'])
    expect(await told(asUser, sent)).toEqual(['x-user', 'ada'])
    expect(await told(asUser, sent, null as never)).toEqual([])
  })

  test('also where the principal has nothing to say', async () => {
    expect(await told({ headers: { 'x-tenant': () => undefined } }, ['X_Tenant', 'acme'])).toEqual([])
  })

  test('and what else was named', async () => {
    const sent = ['X-Internal-Role', 'a', 'x_internal.x', 'b', 'X-Intern', 'c', 'X-Admin', 'd']
    expect(await told({ strip: ['x-internal-*', 'x-admin'] }, sent)).toEqual(['X-Intern', 'c'])
  })
})

test('credentials go on, or not', async () => {
  const sent = ['Authorization', 'Bearer x', 'DPoP', 'y', 'X-Api-Key', 'z']
  expect(await told({}, sent)).toEqual(sent)
  expect(await told({ stripCredentials: true }, sent)).toEqual(['X-Api-Key', 'z'])
  expect(await told({ stripCredentials: ['x-api-key'] }, sent)).toEqual([])
})

describe('values', () => {
  const carried = async (value: string) => (await told({ headers: { 'x-name': () => value } }))[1]

  test.each([
    ['ada lovelace', 'ada lovelace'],
    ['Zoë', 'Zo%C3%AB'],
    ['100 %', '100 %25'],
    ['a\r\nx-admin: 1', 'a%0D%0Ax-admin: 1'],
    [' x ', '%20x%20'],
    ['\ud800', '%EF%BF%BD'],
    ['', ''],
  ])('%j is sent as %j', async (value, sent) => {
    expect(await carried(value)).toBe(sent)
  })

  test('whatever a claim says, it can be read back, and is one field', async () => {
    const run = async (value: string) => {
      const sent = (await carried(value)) as string
      expect(sent).toMatch(/^[\x20-\x7e]*$/)
      expect(decodeURIComponent(sent)).toBe(value)
    }
    await fc.assert(fc.asyncProperty(fc.string({ unit: 'grapheme' }), run), { seed: 8, numRuns: 300 })
  })
})

describe('a token of its own', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256')

  test('says who is asking, for this upstream, for a short time', async () => {
    const clock = virtualClock({ date: Date.now() })
    const token = {
      key: privateKey,
      algorithm: 'ES256',
      issuer: 'gw',
      audience: 'orders',
      clock,
      claims: () => ({ tenant: 'acme' }),
    } as const
    const options = { token, stripCredentials: true }
    const [name, first = ''] = await told(options, ['Authorization', 'Bearer x', 'X_Identity', 'forged'])
    expect(name).toBe('x-identity')
    const { payload } = await jwtVerify(first, publicKey, { issuer: 'gw', audience: 'orders' })
    expect(payload).toMatchObject({ sub: 'ada', scope: 'read write', tenant: 'acme' })
    expect((payload.exp as number) - (payload.iat as number)).toBeLessThanOrEqual(61)
  })

  test('is signed once for as long as half of its life is left', async () => {
    const clock = virtualClock({ date: Date.now() })
    const layer = identity({
      token: { key: privateKey, algorithm: 'ES256', issuer: 'gw', audience: 'orders', header: 'authorization', clock },
    })
    const seen: (string | undefined)[] = []
    const handler = chain<{ principal: Principal | undefined }>()
      .use(layer)
      .to((ctx) => {
        seen.push(ctx.request.headers.get('authorization'))
        return hello(ctx)
      })
    const ask = () => replyOf(handler as never, contextOf().with({ principal: ada }) as Context)
    await ask()
    await ask()
    await clock.advance(30_000)
    await ask()
    expect(seen[0]).toMatch(/^Bearer /)
    expect([seen[1] === seen[0], seen[2] === seen[0]]).toEqual([true, false])
  })

  test('does not outlive who it speaks of', async () => {
    const clock = virtualClock({ date: 1_000_000 })
    const principal = principalOf({ subject: 'ada', scheme: 'bearer', expiresAt: 1_010_000 })
    const token = { key: privateKey, algorithm: 'ES256', issuer: 'gw', audience: 'orders', clock } as const
    const [, text = ''] = await told({ token }, [], principal)
    const { payload } = await jwtVerify(text, publicKey, { currentDate: new Date(1_000_000) })
    expect(payload.exp).toBe(1_010)
    const briefly = principalOf({ subject: 'ada', scheme: 'session', expiresAt: 1_010_999 })
    const [, other = ''] = await told({ token }, [], briefly)
    expect((await jwtVerify(other, publicKey, { currentDate: new Date(1_000_000) })).payload.exp).toBe(1_010)
  })
})
