import { createHash, randomUUID } from 'node:crypto'
import { auth, type BindingOptions, jwt, memoryReplays, type Verdict } from '@gatelet/auth'
import { chain, type IncomingRequest } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { contextOf, hello, replyOf } from '../fakes.ts'
import { pair, token } from '../issuer.ts'

const issuer = 'https://id.example.com/'
const signer = await pair('k1')
const client = await generateKeyPair('ES256', { extractable: true })
const stranger = await generateKeyPair('ES256', { extractable: true })
const jwk = await exportJWK(client.publicKey)
const jkt = await calculateJwkThumbprint(jwk)

interface Making {
  readonly header?: Record<string, unknown>
  readonly claims?: Record<string, unknown>
  readonly key?: CryptoKey
}

async function setup(dpop: BindingOptions['dpop'] = {}, cnf: object | null = { jkt }) {
  const clock = virtualClock({ date: Date.now() })
  const verifier = jwt({ issuer, audience: 'api', algorithms: ['ES256'], keys: [signer.jwk], clock }, { dpop })
  const signed = await token(signer, issuer, { claims: { cnf: cnf ?? undefined, exp: Math.floor(Date.now() / 1_000) + 3_600 } })
  const proof = ({ header = {}, claims = {}, key = client.privateKey }: Making = {}) => {
    const ath = createHash('sha256').update(signed).digest('base64url')
    const iat = Math.floor(clock.date() / 1_000)
    const said = { jti: randomUUID(), htm: 'GET', htu: 'https://api.example.com/', iat, ath, ...claims }
    const head = { typ: 'dpop+jwt', alg: 'ES256', jwk, ...header }
    return new SignJWT(JSON.parse(JSON.stringify(said))).setProtectedHeader(head).sign(key)
  }
  const ask = async (dpop: string | undefined, change: Partial<IncomingRequest> = {}, scheme = 'DPoP'): Promise<Verdict> => {
    const headers = { authorization: `${scheme} ${signed}`, ...(dpop === undefined ? {} : { dpop }) }
    return verifier.verify(contextOf(headers, change))
  }
  return { clock, verifier, signed, proof, ask }
}

describe('a token with its proof', () => {
  test('says who it is', async () => {
    const { ask, proof } = await setup()
    expect(await ask(await proof())).toMatchObject({ kind: 'proved', principal: { subject: 'ada', scheme: 'dpop' } })
  })

  test.each<[string, Making, Partial<IncomingRequest>?]>([
    ['whose address has a query and a fragment', { claims: { htu: 'https://api.example.com/?a=1#b' } }],
    [
      'whose address is written in another way',
      { claims: { htu: 'HTTPS://API.example.com:443/%7Ea/./b' } },
      { target: '/~a/b?x=1' },
    ],
    ['made a little ahead', { claims: { iat: Math.floor(Date.now() / 1_000) + 4 } }],
    ['made a while ago', { claims: { iat: Math.floor(Date.now() / 1_000) - 59 } }],
  ])('%s passes', async (_, making, change) => {
    const { ask, proof } = await setup()
    expect(await ask(await proof(making), change)).toMatchObject({ kind: 'proved' })
  })

  test('is for what the client has asked, whatever layers have made of it', async () => {
    const { signed, proof, verifier } = await setup()
    const ctx = contextOf({ authorization: `DPoP ${signed}`, dpop: await proof() })
    const changed = ctx.withRequest({ method: 'POST', url: { path: '/internal', host: 'inner' } })
    expect(await verifier.verify(changed)).toMatchObject({ kind: 'proved' })
  })
})

// The twelve points of RFC 9449 §4.3, and replays.
describe('is refused', () => {
  test.each<[string, Making, string]>([
    ['no id', { claims: { jti: undefined } }, 'proof-id'],
    ['no method', { claims: { htm: undefined } }, 'proof-method'],
    ['no address', { claims: { htu: undefined } }, 'proof-address'],
    ['no date', { claims: { iat: undefined } }, 'proof-date'],
    ['a date that is a text', { claims: { iat: String(Math.floor(Date.now() / 1_000)) } }, 'proof-date'],
    ['another type', { header: { typ: 'jwt' } }, 'proof-type'],
    ['no type', { header: { typ: undefined } }, 'proof-type'],
    ['an algorithm that was not asked for', { header: { alg: 'ES384' } }, 'proof-algorithm'],
    ['no key', { header: { jwk: undefined } }, 'proof-key'],
    ['a private key', { header: { jwk: { ...jwk, d: 'AAAA' } } }, 'proof-key'],
    ['a shared key', { header: { jwk: { kty: 'oct', k: 'AAAA' } } }, 'proof-key'],
    ['a key of another kind', { header: { jwk: { kty: 'RSA', n: 'AQAB', e: 'AQAB' } } }, 'proof-key'],
    ['the signature of another key', { key: stranger.privateKey }, 'bad-proof-signature'],
    ['another method', { claims: { htm: 'POST' } }, 'proof-method'],
    ['a method in small letters', { claims: { htm: 'get' } }, 'proof-method'],
    ['another path', { claims: { htu: 'https://api.example.com/x' } }, 'proof-address'],
    ['another host', { claims: { htu: 'https://evil.example.com/' } }, 'proof-address'],
    ['another port', { claims: { htu: 'https://api.example.com:8443/' } }, 'proof-address'],
    ['another scheme', { claims: { htu: 'http://api.example.com/' } }, 'proof-address'],
    ['an address with a user', { claims: { htu: 'https://ada@api.example.com/' } }, 'proof-address'],
    ['made too long ago', { claims: { iat: Math.floor(Date.now() / 1_000) - 66 } }, 'proof-date'],
    ['made in the future', { claims: { iat: Math.floor(Date.now() / 1_000) + 10 } }, 'proof-date'],
    ['for another token', { claims: { ath: createHash('sha256').update('x').digest('base64url') } }, 'proof-token'],
    ['for no token', { claims: { ath: undefined } }, 'proof-token'],
    ['an extension', { header: { crit: ['b64'], b64: true } }, 'proof-extension'],
  ])('a proof with %s', async (_, making, reason) => {
    const { ask, proof } = await setup()
    const made = await proof(making).catch(() => forged(making))
    const verdict = await ask(made)
    expect(verdict).toMatchObject({ kind: 'refused', status: 401, reason })
    expect(verdict).toMatchObject({
      challenges: [{ scheme: 'DPoP', params: { error: 'invalid_dpop_proof', algs: expect.stringContaining('ES256') } }],
    })
  })

  test('a proof for what is no address, also where the request has none', async () => {
    const { ask, proof } = await setup()
    const made = await proof({ claims: { htu: 'https://ada@api.example.com/' } })
    // As it may come in front of a framework with `strictPaths` switched off.
    expect(await ask(made, { target: '/a\\b' })).toMatchObject({ kind: 'refused', reason: 'proof-address' })
  })

  test('a request without a proof, and with two', async () => {
    const { ask, proof, signed, verifier } = await setup()
    expect(await ask(undefined)).toMatchObject({ kind: 'refused', reason: 'no-proof' })
    const ctx = contextOf({ authorization: `DPoP ${signed}`, dpop: await proof() })
    const headers = ctx.request.headers.clone()
    headers.append('dpop', await proof())
    expect(await verifier.verify(ctx.withRequest({ headers }))).toMatchObject({ kind: 'refused', reason: 'several-proofs' })
  })

  test('what is no JWT', async () => {
    const { ask, proof } = await setup()
    for (const text of ['', 'x', 'a.b.c', `${await proof()}=`])
      expect(await ask(text)).toMatchObject({ reason: 'malformed-proof' })
  })

  test('a proof that was used before', async () => {
    const { ask, proof, clock } = await setup()
    const made = await proof()
    expect((await Promise.all([ask(made), ask(made), ask(made)])).map(({ kind }) => kind).sort()).toEqual([
      'proved',
      'refused',
      'refused',
    ])
    expect(await ask(made)).toMatchObject({ reason: 'replayed-proof' })
    await clock.advance(66_000)
    expect(await ask(made)).toMatchObject({ reason: 'proof-date' })
  })

  test('a proof by another key than the token is bound to', async () => {
    const other = await exportJWK(stranger.publicKey)
    const { ask, proof } = await setup()
    const made = await proof({ header: { jwk: other }, key: stranger.privateKey })
    expect(await ask(made)).toMatchObject({ reason: 'wrong-proof-key' })
  })

  test('a bound token as a bearer token, and a bearer token with a proof', async () => {
    const bound = await setup()
    expect(await bound.ask(await bound.proof(), {}, 'Bearer')).toMatchObject({ kind: 'refused', reason: 'bound-token' })
    const free = await setup({}, null)
    expect(await free.ask(await free.proof())).toMatchObject({ kind: 'refused', reason: 'bound-token' })
    expect(await free.ask(undefined, {}, 'Bearer')).toMatchObject({ kind: 'proved' })
  })

  test('a token that is bound in a way that nobody knows here', async () => {
    const { ask, proof } = await setup({}, { jkt, other: 1 })
    expect(await ask(await proof())).toMatchObject({ reason: 'bound-token' })
  })

  test('a proof in the clear where the server is known by another name', async () => {
    const { ask, proof } = await setup({ origin: 'https://public.example.com' })
    expect(await ask(await proof())).toMatchObject({ reason: 'proof-address' })
    expect(await ask(await proof({ claims: { htu: 'https://public.example.com/' } }))).toMatchObject({ kind: 'proved' })
  })
})

describe('with nonces', () => {
  const nonceSecret = new Uint8Array(32).fill(3)

  test('a client is told which, uses it, and is told the next one in time', async () => {
    const { ask, proof, clock } = await setup({ nonceSecret })
    const first = (await ask(await proof())) as Extract<Verdict, { kind: 'refused' }>
    expect(first).toMatchObject({ reason: 'proof-nonce', challenges: [{ params: { error: 'use_dpop_nonce' } }] })
    const [[, nonce] = ['', '']] = first.replyHeaders ?? []
    const second = await ask(await proof({ claims: { nonce } }))
    expect(second).toMatchObject({ kind: 'proved' })
    await clock.advance(60_000)
    const third = (await ask(await proof({ claims: { nonce } }))) as Extract<Verdict, { kind: 'proved' }>
    expect(third.kind).toBe('proved')
    expect(third.replyHeaders?.[0]?.[0]).toBe('dpop-nonce')
    expect(third.replyHeaders?.[0]?.[1]).not.toBe(nonce)
    await clock.advance(60_000)
    expect(await ask(await proof({ claims: { nonce } }))).toMatchObject({ reason: 'proof-nonce' })
  })
})

test('both schemes are offered, with the algorithms', async () => {
  const { verifier } = await setup({ algorithms: ['ES256'] })
  const reply = await replyOf(chain().use(auth(verifier)).to(hello))
  expect(reply.headers.getAll('www-authenticate')).toEqual(['Bearer realm="api"', 'DPoP realm="api", algs="ES256"'])
})

describe('used proofs', () => {
  test('take a bounded place: where it is full, what is as old as the forgotten is refused', async () => {
    const clock = virtualClock({ date: 1_000_000 })
    const replays = memoryReplays({ maxEntries: 100, clock })
    for (let at = 0; at < 150; at++) expect(replays.use(`id-${at}`, 1_000_000 + at, 2_000_000)).toBe(true)
    expect(replays.use('id-0', 1_000_000, 2_000_000)).toBe(false)
    expect(replays.use('id-120', 1_000_120, 2_000_000)).toBe(false)
    expect(replays.use('late', 1_000_049, 2_000_000)).toBe(false)
    expect(replays.use('new', 1_000_200, 2_000_000)).toBe(true)
  })

  test('are forgotten when they are too old to count', async () => {
    const clock = virtualClock({ date: 0 })
    const replays = memoryReplays({ maxEntries: 100, clock }) as ReturnType<typeof memoryReplays> & { readonly size: number }
    for (let at = 0; at < 100; at++) await replays.use(`id-${at}`, 0, 10)
    await clock.advance(10)
    for (let at = 0; at < 50; at++) expect(replays.use(`new-${at}`, 10, 20)).toBe(true)
    expect(replays.size).toBe(50)
  })

  test('are refused at their end, also where the place that they had is another one’s by then', async () => {
    const clock = virtualClock({ date: 0 })
    const replays = memoryReplays({ clock })
    expect(replays.use('proof', 0, 10)).toBe(true)
    await clock.advance(10)
    expect(replays.use('another', 10, 20)).toBe(true)
    expect(replays.use('proof', 0, 10)).toBe(false)
  })

  test('one that ends while its signature is looked at is refused, since its first use may be forgotten', async () => {
    const { clock, ask, proof } = await setup({ replays: { use: () => true } })
    expect(await ask(await proof())).toMatchObject({ kind: 'proved' })
    const another = await proof()
    const asked = ask(another)
    await clock.advance(600_000)
    expect(await asked).toMatchObject({ kind: 'refused', reason: 'proof-date' })
  })

  test('a store that is away is no reason to call a proof bad', async () => {
    const { ask, proof } = await setup({ replays: { use: () => Promise.reject(new Error('away')) } })
    expect(await ask(await proof())).toMatchObject({ kind: 'unavailable', reason: 'no-store' })
  })
})

// What jose does not sign: it is refused before the signature is looked at.
function forged({ header = {}, claims = {} }: Making): string {
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${encoded({ typ: 'dpop+jwt', alg: 'ES256', jwk: jwk as JWK, ...header })}.${encoded(claims)}.AAAA`
}
