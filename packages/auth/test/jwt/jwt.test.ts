import { type JwtOptions, jwt, type Verdict } from '@gatelet/auth'
import type { MaybePromise, SchemaResult, StandardSchema } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { contextOf } from '../fakes.ts'
import { pair, type Signing, token } from '../issuer.ts'

const issuer = 'https://id.example.com/'
const [ec, rsa, other] = await Promise.all([pair('ec'), pair('rsa', 'RS256'), pair('other')])
const options: JwtOptions = { issuer, audience: 'api', algorithms: ['ES256', 'RS256'], keys: [ec.jwk, rsa.jwk] }
const verify = async (authorization: string, more: Partial<JwtOptions> = {}): Promise<Verdict> =>
  jwt({ ...options, ...more }).verify(contextOf({ authorization }))
const judged = async (signing: Signing, more: Partial<JwtOptions> = {}, by = ec) =>
  verify(`Bearer ${await token(by, issuer, signing)}`, more)
const encoded = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const seconds = () => Math.floor(Date.now() / 1_000)

describe('a good token', () => {
  test('says who, what they may, and until when', async () => {
    const exp = seconds() + 60
    const verdict = await judged({ claims: { exp, roles: ['admin', 7], tenant: 'acme' } })
    expect(verdict).toMatchObject({
      kind: 'proved',
      principal: { subject: 'ada', scheme: 'bearer', issuer, expiresAt: exp * 1_000, claims: { tenant: 'acme' } },
    })
    const { principal } = verdict as Extract<Verdict, { kind: 'proved' }>
    expect([[...principal.scopes], [...principal.roles]]).toEqual([['read', 'write'], ['admin']])
  })

  test.each<[string, Signing, Partial<JwtOptions>?]>([
    ['for several audiences', { claims: { aud: ['x', 'api'] } }],
    ['for one of several', { claims: { aud: 'b' } }, { audience: ['a', 'b'] }],
    ['whose scopes are a list', { claims: { scope: undefined, scp: ['read'] } }],
    ['of a type in capitals', { header: { typ: 'JWT' } }],
    ['of RFC 9068', { header: { typ: 'application/at+JWT' } }, { type: 'at+jwt' }],
    ['that does not name its key', { header: { kid: undefined } }],
    ['whose clock is a little ahead', { claims: { iat: seconds() + 4, nbf: seconds() + 4 } }],
    ['that has ended within the tolerance', { claims: { exp: seconds() - 3 } }],
    [
      'with headers that point to keys, which nobody follows',
      { header: { jku: 'http://127.0.0.1:9/', x5u: 'x', jwk: other.jwk } },
    ],
  ])('%s passes', async (_, signing, more) => {
    expect(await judged(signing, more)).toMatchObject({ kind: 'proved' })
  })

  test.each(['bearer', 'BEARER', 'Bearer  '])('the scheme may be written %j', async (scheme) => {
    expect(await verify(`${scheme} ${await token(ec, issuer)}`)).toMatchObject({ kind: 'proved' })
  })

  test('has claims of the type that was asked for', async () => {
    const claims = ({ tenant }: Readonly<Record<string, unknown>>) => (typeof tenant === 'string' ? { tenant } : undefined)
    const typed = jwt({ ...options, claims } as JwtOptions<{ tenant: string }>)
    const ask = async (more: object) =>
      typed.verify(contextOf({ authorization: `Bearer ${await token(ec, issuer, { claims: { ...more } })}` }))
    expect(await ask({ tenant: 'acme' })).toMatchObject({ kind: 'proved', principal: { claims: { tenant: 'acme' } } })
    expect(await ask({ tenant: 7 })).toMatchObject({ kind: 'refused', reason: 'claims' })
  })

  test.each<[string, (value: unknown) => MaybePromise<SchemaResult<object>>]>([
    ['at once', (value) => schemaOf(value)],
    ['later', async (value) => schemaOf(value)],
  ])('has the claims that a schema makes of them, which answers %s', async (_, validate) => {
    const claims: StandardSchema<unknown, object> = { '~standard': { version: 1, vendor: 'test', validate } }
    expect(await judged({ claims: { seats: '7' } }, { claims } as never)).toMatchObject({
      kind: 'proved',
      principal: { subject: 'ada', claims: { seats: 7 } },
    })
    expect(await judged({ claims: { seats: 'x' } }, { claims } as never)).toMatchObject({ kind: 'refused', reason: 'claims' })
  })

  test('by a shared secret passes where nothing else is allowed', async () => {
    const secret = new Uint8Array(32).fill(7)
    const signed = await new SignJWT({ iss: issuer, aud: 'api', sub: 'ada', exp: seconds() + 60 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(secret)
    expect(await verify(`Bearer ${signed}`, { algorithms: ['HS256'], keys: secret })).toMatchObject({ kind: 'proved' })
  })

  test('that was seen before is not verified again, but its dates are looked at', async () => {
    const clock = virtualClock({ date: Date.now() })
    const verifier = jwt({ ...options, clock })
    const ctx = contextOf({ authorization: `Bearer ${await token(ec, issuer)}` })
    const first = await verifier.verify(ctx)
    expect(first).toMatchObject({ kind: 'proved' })
    expect(verifier.verify(ctx)).toBe(first)
    await clock.advance(70_000)
    expect(await verifier.verify(ctx)).toMatchObject({ kind: 'refused', reason: 'expired' })
  })
})

describe('claims', () => {
  test.each<[string, Record<string, unknown>, string, Partial<JwtOptions>?]>([
    ['no issuer', { iss: undefined }, 'wrong-issuer'],
    ['another issuer', { iss: 'https://id.example.com' }, 'wrong-issuer'],
    ['several issuers', { iss: [issuer] }, 'wrong-issuer'],
    ['no audience', { aud: undefined }, 'wrong-audience'],
    ['an audience that begins alike', { aud: 'api-2' }, 'wrong-audience'],
    ['the audience where somebody else looks for it', { aud: undefined, client_id: 'api' }, 'wrong-audience'],
    ['a list with something that is no text', { aud: ['api', 7] }, 'wrong-audience'],
    ['no end', { exp: undefined }, 'bad-expiry'],
    ['an end that is a text', { exp: String(seconds() + 60) }, 'bad-expiry'],
    ['an end before all time', { exp: -1 }, 'bad-expiry'],
    ['an end that never comes', { exp: 1e300 }, 'bad-expiry'],
    ['an end that is over', { exp: seconds() - 6 }, 'expired'],
    ['a beginning that is a text', { nbf: '0' }, 'bad-date'],
    ['a beginning that is to come', { nbf: seconds() + 10 }, 'not-yet-valid'],
    ['issued tomorrow', { iat: seconds() + 86_400 }, 'from-the-future'],
    ['issued too long ago', { iat: seconds() - 70 }, 'too-old', { maxAgeMs: 60_000 }],
    ['no date of issue where its age counts', { iat: undefined }, 'no-age', { maxAgeMs: 60_000 }],
    ['no subject', { sub: undefined }, 'no-subject'],
    ['an empty subject', { sub: '' }, 'no-subject'],
    ['a subject that is a number', { sub: 7 }, 'no-subject'],
    ['bound to a key', { cnf: { jkt: 'x' } }, 'bound-token'],
  ])('%s: refused', async (_, claims, reason, more) => {
    expect(await judged({ claims }, more)).toMatchObject({ kind: 'refused', status: 401, reason })
  })
})

describe('headers', () => {
  test.each<[string, Record<string, unknown>, string, Partial<JwtOptions>?]>([
    ['an algorithm that is not allowed', {}, 'wrong-algorithm', { algorithms: ['RS256'], keys: [rsa.jwk] }],
    ['a key that nobody has', { kid: '../../x' }, 'unknown-key'],
    ['a key whose name is no text', { kid: 7 }, 'bad-key-id'],
    ['a key whose name is endless', { kid: 'k'.repeat(600) }, 'bad-key-id'],
    ['a key that is for another algorithm', { kid: 'rsa' }, 'unknown-key'],
    ['another type', { typ: 'dpop+jwt' }, 'wrong-type'],
    ['a type that is no text', { typ: 1 }, 'wrong-type'],
    ['no type where one is asked for', {}, 'wrong-type', { type: 'at+jwt' }],
  ])('%s: refused', async (_, header, reason, more) => {
    expect(await judged({ header }, more)).toMatchObject({ kind: 'refused', status: 401, reason })
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['none', { alg: 'none' }, 'wrong-algorithm'],
    ['None', { alg: 'None' }, 'wrong-algorithm'],
    ['no algorithm', {}, 'wrong-algorithm'],
    ['a list of algorithms', { alg: ['ES256'] }, 'wrong-algorithm'],
    ['the public key as a secret', { alg: 'HS256' }, 'wrong-algorithm'],
    ['an extension', { alg: 'ES256', kid: 'ec', crit: ['exp'], exp: 1 }, 'unknown-extension'],
    ['an empty list of extensions', { alg: 'ES256', kid: 'ec', crit: [] }, 'unknown-extension'],
    ['a payload that is not encoded', { alg: 'ES256', kid: 'ec', b64: false }, 'unknown-extension'],
  ])('%s: refused before anything is verified', async (_, header, reason) => {
    const [, payload, signature] = (await token(ec, issuer)).split('.')
    expect(await verify(`Bearer ${encoded(header)}.${payload}.${signature}`)).toMatchObject({ kind: 'refused', reason })
  })
})

describe('spelling', () => {
  const header = encoded({ alg: 'ES256', kid: 'ec' })
  const good = () => token(ec, issuer)

  test.each<[string, (token: string) => string]>([
    ['no signature', (signed) => signed.slice(0, signed.lastIndexOf('.') + 1)],
    ['a fourth part', (signed) => `${signed}.x`],
    ['padding', (signed) => `${signed}=`],
    ['stray bits behind the last byte', (signed) => signed.slice(0, -1) + nextLetter(signed.at(-1) as string)],
    ['the other alphabet', (signed) => signed.replace(/\.[^.]*$/, '.+/+/')],
    [
      'a member twice',
      (signed) => `${header}.${encoded('{"iss":"https://id.example.com/","sub":"a","s\\u0075b":"b"}')}${tail(signed)}`,
    ],
    ['a member twice, deep', (signed) => `${header}.${encoded('{"a":[{"b":1,"b":2}]}')}${tail(signed)}`],
    ['a byte order mark', (signed) => `${header}.${encoded('\uFEFF{}')}${tail(signed)}`],
    ['what is no JSON', (signed) => `${header}.${encoded('{')}${tail(signed)}`],
    ['a list', (signed) => `${header}.${encoded([])}${tail(signed)}`],
    [
      'broken UTF-8',
      (signed) => `${header}.${Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('base64url')}${tail(signed)}`,
    ],
    [
      'a hole without a bottom',
      (signed) => `${header}.${encoded(`{"a":${'['.repeat(3_000)}${']'.repeat(3_000)}}`)}${tail(signed)}`,
    ],
    ['100 kB', (signed) => `${header}.${encoded({ a: 'x'.repeat(100_000) })}${tail(signed)}`],
    ['five parts', () => 'a.b.c.d.e'],
  ])('%s: refused', async (_, spoil) => {
    expect(await verify(`Bearer ${spoil(await good())}`)).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(/^malformed/),
    })
  })

  test('one bit of another signature: refused', async () => {
    const [head, payload, signature = ''] = (await good()).split('.')
    const bytes = Buffer.from(signature, 'base64url')
    bytes[5] = (bytes[5] as number) ^ 1
    expect(await verify(`Bearer ${head}.${payload}.${bytes.toString('base64url')}`)).toMatchObject({
      kind: 'refused',
      reason: 'bad-signature',
    })
  })

  test('the signature of somebody else: refused', async () => {
    expect(await judged({ header: { kid: 'ec' } }, {}, other)).toMatchObject({ kind: 'refused', reason: 'bad-signature' })
  })

  test.each(['Bearer', 'Bearer ', 'Bearer a b', 'Bearer a,b', 'Bearer ünï'])('%j is a bad request', async (authorization) => {
    expect(await verify(authorization)).toMatchObject({ kind: 'refused', status: 400, reason: 'malformed-header' })
  })

  test('two header fields are a bad request', async () => {
    const ctx = contextOf()
    const signed = `Bearer ${await good()}`
    const headers = ctx.request.headers.clone()
    headers.append('authorization', signed)
    headers.append('authorization', signed)
    expect(await jwt(options).verify(ctx.withRequest({ headers }))).toMatchObject({ kind: 'refused', status: 400 })
  })

  test.each([undefined, 'Basic YTpi', 'Bearerx y', 'DPoP x'])('%j holds no token of this kind', async (authorization) => {
    expect(await jwt(options).verify(contextOf(authorization === undefined ? {} : { authorization }))).toEqual({ kind: 'absent' })
  })
})

describe('several issuers', () => {
  const two = 'https://two.example.com/'
  const both = jwt([options, { issuer: two, audience: 'api', algorithms: ['ES256'], keys: [other.jwk] }])
  const ask = async (signed: Promise<string>) => both.verify(contextOf({ authorization: `Bearer ${await signed}` }))

  test('each has its own keys, and nobody signs for another', async () => {
    expect(await ask(token(ec, issuer))).toMatchObject({ kind: 'proved', principal: { issuer } })
    expect(await ask(token(other, two))).toMatchObject({ kind: 'proved', principal: { issuer: two } })
    expect(await ask(token(other, issuer))).toMatchObject({ kind: 'refused', reason: 'unknown-key' })
    expect(await ask(token(ec, two))).toMatchObject({ kind: 'refused', reason: 'unknown-key' })
  })

  test('one twice is refused', () => {
    expect(() => jwt([options, options])).toThrow(/jwt: issuer must differ/)
    expect(() => jwt([])).toThrow(/must name an issuer/)
  })
})

test.each<[string, Partial<JwtOptions>, RegExp]>([
  ['shared and public algorithms together', { algorithms: ['HS256', 'RS256'] }, /algorithms must be only HS…/],
  ['a secret that is too short', { algorithms: ['HS256'], keys: new Uint8Array(31) }, /keys\[0\] must be a key for HS256/],
  ['a public key as a secret', { algorithms: ['HS256'], keys: [rsa.jwk] }, /keys\[0\]/],
  ['a private key among public ones', { algorithms: ['ES256'], keys: [{ ...ec.jwk, d: 'AAAA' }] }, /keys\[0\]/],
  ['a key marked for encryption', { algorithms: ['ES256'], keys: [{ ...ec.jwk, use: 'enc' }] }, /keys\[0\]/],
  ['a key whose operations are others', { algorithms: ['ES256'], keys: [{ ...ec.jwk, key_ops: ['sign'] }] }, /keys\[0\]/],
  [
    'RSA of 1024 bits',
    { algorithms: ['RS256'], keys: [{ kty: 'RSA', e: 'AQAB', n: Buffer.alloc(128, 255).toString('base64url') }] },
    /keys\[0\]/,
  ],
  ['keys over a line that anybody can write on', { keys: 'http://id.example.com/jwks' }, /keys must be an https URL/],
])('refuses %s at the start', (_, more, message) => {
  expect(() => jwt({ ...options, ...more })).toThrow(message)
})

function schemaOf(value: unknown): SchemaResult<object> {
  const seats = Number((value as { seats: unknown }).seats)
  return Number.isNaN(seats) ? { issues: [{ message: 'seats must be a number' }] } : { value: { seats } }
}

function nextLetter(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(letter) ^ 1] as string
}

function tail(signed: string): string {
  return signed.slice(signed.lastIndexOf('.'))
}
