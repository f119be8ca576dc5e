import { type JwtOptions, jwt, type Verdict } from '@gatelet/auth'
import { virtualClock } from '@gatelet/testing'
import type { JWK } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { contextOf } from '../fakes.ts'
import { Issuer, type Pair, pair, token } from '../issuer.ts'

const [first, second] = await Promise.all([pair('k1'), pair('k2')])
const minute = 60_000

async function setup(options: Partial<JwtOptions> = {}, keys: readonly Pair[] = [first]) {
  const issuer = await Issuer.start(keys)
  onTestFinished(() => issuer.close())
  const clock = virtualClock({ date: Date.now() })
  const verifier = jwt({ issuer: issuer.url, audience: 'api', algorithms: ['ES256'], clock, cacheTokens: 0, ...options })
  const verify = async (signed: string): Promise<Verdict> => verifier.verify(contextOf({ authorization: `Bearer ${signed}` }))
  const tokenOf = (by: Pair, header = {}) =>
    token(by, issuer.url, { header, claims: { exp: Math.floor(Date.now() / 1_000) + 86_400 } })
  return { issuer, clock, verifier, verify, tokenOf }
}

test('asks the issuer where its keys are, once for all that wait', async () => {
  const { issuer, verify, tokenOf } = await setup()
  const verdicts = await Promise.all(Array.from({ length: 20 }, async () => verify(await tokenOf(first))))
  expect(verdicts.map(({ kind }) => kind)).toEqual(Array.from({ length: 20 }, () => 'proved'))
  expect(issuer.asked).toEqual({ metadata: 1, keys: 1 })
})

test('a flood of made-up keys asks the issuer once per cooldown', async () => {
  const { issuer, clock, verifier, verify, tokenOf } = await setup()
  await verifier.ready()
  const signed = await tokenOf(first)
  const flood = async (from: number) => {
    const [, ...rest] = signed.split('.')
    for (let at = from; at < from + 5_000; at++) {
      const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: `made-up-${at}` })).toString('base64url')
      expect(await verify([header, ...rest].join('.'))).toMatchObject({ kind: 'refused', reason: 'unknown-key' })
    }
  }
  await flood(0)
  expect(issuer.asked.keys).toBe(1)
  await clock.advance(30_000)
  await flood(5_000)
  expect(issuer.asked.keys).toBe(2)
  expect(await verify(signed)).toMatchObject({ kind: 'proved' })
})

test('a key that is new is found, when the cooldown is over', async () => {
  const { issuer, clock, verify, tokenOf } = await setup()
  await verify(await tokenOf(first))
  issuer.keys = [first.jwk, second.jwk]
  expect(await verify(await tokenOf(second))).toMatchObject({ kind: 'refused', reason: 'unknown-key' })
  await clock.advance(30_000)
  expect(await verify(await tokenOf(second))).toMatchObject({ kind: 'proved' })
})

test('keys are fetched anew in the background, and one that was taken back serves no more', async () => {
  const { issuer, clock, verify, tokenOf } = await setup()
  const signed = await tokenOf(first)
  await verify(signed)
  issuer.keys = [second.jwk]
  await clock.advance(10 * minute)
  expect(await verify(signed)).toMatchObject({ kind: 'proved' })
  await expect.poll(() => issuer.asked.keys).toBe(2)
  await expect.poll(() => verify(signed)).toMatchObject({ kind: 'refused', reason: 'unknown-key' })
})

test('a token that is remembered does not outlive its key, also where nobody sends another one', async () => {
  const { issuer, clock, verify, tokenOf } = await setup({ cacheTokens: 100 })
  const signed = await tokenOf(first)
  await verify(signed)
  issuer.keys = [second.jwk]
  await clock.advance(10 * minute)
  expect(await verify(signed)).toMatchObject({ kind: 'proved' })
  await expect.poll(() => verify(signed)).toMatchObject({ kind: 'refused', reason: 'unknown-key' })
  expect(issuer.asked.keys).toBe(2)
})

test.each([0, 100])(
  'while the issuer is away tokens pass for the time that was set, then nobody can say (%i remembered)',
  async (cacheTokens) => {
    const { issuer, clock, verify, tokenOf } = await setup({ cacheTokens, fetching: { maxStaleMs: 20 * minute } })
    const signed = await tokenOf(first)
    await verify(signed)
    issuer.fault = 'error'
    await clock.advance(29 * minute)
    expect(await verify(signed)).toMatchObject({ kind: 'proved' })
    await clock.advance(minute)
    expect(await verify(signed)).toMatchObject({ kind: 'unavailable', reason: 'no-keys' })
    issuer.fault = undefined
    await clock.advance(minute)
    expect(await verify(signed)).toMatchObject({ kind: 'proved' })
  },
)

test.each(['error', 'redirect', 'huge', 'garbage'] as const)(
  'an issuer that answers wrongly (%s) is an issuer that is away',
  async (fault) => {
    const { issuer, verifier, verify, tokenOf } = await setup()
    issuer.fault = fault
    const signed = await tokenOf(first)
    expect(await verify(signed)).toMatchObject({ kind: 'unavailable', reason: 'no-keys', retryAfterMs: 30_000 })
    const asked = { ...issuer.asked }
    expect(await verify(signed)).toMatchObject({ kind: 'unavailable' })
    expect(issuer.asked).toEqual(asked)
    await expect(verifier.ready()).rejects.toThrow(issuer.url)
  },
)

test.each(['hang', 'stall'] as const)(
  'an issuer that does not answer (%s) is waited for no longer than was said',
  async (fault) => {
    const { issuer, clock, verify, tokenOf } = await setup({ fetching: { timeoutMs: 1_000 } })
    issuer.fault = fault
    const answer = verify(await tokenOf(first))
    await expect.poll(() => issuer.asked.metadata).toBe(1)
    await clock.advance(1_000)
    // RFC 8414 is tried next; it answers 404.
    expect(await answer).toMatchObject({ kind: 'unavailable' })
  },
)

test.each<[string, Record<string, unknown>]>([
  ['that calls itself another', { issuer: 'https://other.example.com' }],
  ['whose keys lie at no address', { jwks_uri: 'keys' }],
  ['whose keys lie in a file', { jwks_uri: 'file:///etc/passwd' }],
])('an issuer %s is not believed', async (_, metadata) => {
  const { issuer, verify, tokenOf } = await setup()
  issuer.metadata = metadata
  expect(await verify(await tokenOf(first))).toMatchObject({ kind: 'unavailable' })
  expect(issuer.asked.keys).toBe(0)
})

test('one broken key does not take the others with it', async () => {
  const { issuer, verify, tokenOf } = await setup()
  issuer.keys = [null, 'x', { kty: 'EC', crv: 'P-256', x: '!', y: '!', kid: 'k0' }, { kty: 'RSA' }, first.jwk] as never
  expect(await verify(await tokenOf(first))).toMatchObject({ kind: 'proved' })
  expect(await verify(await tokenOf(first, { kid: 'k0' }))).toMatchObject({ kind: 'refused', reason: 'bad-signature' })
})

test.each<[string, unknown]>([
  ['a list', []],
  ['a text', 'keys'],
  ['no keys', {}],
  ['keys that are no list', { keys: { k1: first.jwk } }],
  ['an empty list', { keys: [] }],
])('a set of keys that is %s is none, and those that were there are still good', async (_, keySet) => {
  const { issuer, clock, verify, tokenOf } = await setup()
  const signed = await tokenOf(first)
  expect(await verify(signed)).toMatchObject({ kind: 'proved' })
  issuer.keySet = keySet
  await clock.advance(10 * minute)
  expect(await verify(signed)).toMatchObject({ kind: 'proved' })
  await expect.poll(() => issuer.asked.keys).toBe(2)
  expect(await verify(signed)).toMatchObject({ kind: 'proved' })
})

test.each<[string, Partial<JWK>]>([
  ['for encryption', { use: 'enc' }],
  ['for signing only', { key_ops: ['sign'] }],
  ['for another algorithm', { alg: 'ES384' }],
  ['given away with its private half', { d: 'AAAA' }],
  ['of another curve', { crv: 'P-384' }],
  ['a secret', { kty: 'oct', k: Buffer.alloc(64, 1).toString('base64url') }],
])('a key of the set that is %s verifies nothing', async (_, change) => {
  const { issuer, verify, tokenOf } = await setup()
  issuer.keys = [{ ...first.jwk, ...change } as JWK]
  expect(await verify(await tokenOf(first))).toMatchObject({ kind: 'refused', reason: 'unknown-key' })
})

test('of two keys with one name each is tried, and no more than four', async () => {
  const { issuer, verify, tokenOf } = await setup()
  issuer.keys = [{ ...second.jwk, kid: 'k1' }, first.jwk]
  expect(await verify(await tokenOf(first))).toMatchObject({ kind: 'proved' })
  issuer.keys = [...Array.from({ length: 4 }, () => ({ ...second.jwk, kid: 'k1' })), first.jwk]
  const flooded = await setup()
  flooded.issuer.keys = issuer.keys
  expect(await flooded.verify(await flooded.tokenOf(first))).toMatchObject({ kind: 'refused', reason: 'bad-signature' })
})
