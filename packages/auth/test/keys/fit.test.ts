import { createPrivateKey, createSign, generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto'
import { type Algorithm, jwt } from '@gatelet/auth'
import type { JWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { contextOf } from '../fakes.ts'

const issuer = 'https://id.example.com/'

interface Signer {
  readonly algorithm: Algorithm
  readonly jwk: JWK
  readonly secret: JWK
  readonly token: string
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function signer(algorithm: 'RS256' | 'ES256' | 'EdDSA', pair: { publicKey: JsonWebKey; privateKey: JsonWebKey }): Signer {
  const claims = { iss: issuer, aud: 'api', sub: 'ada', exp: 9_999_999_999 }
  const input = `${part({ alg: algorithm, kid: 'k1' })}.${part(claims)}`
  const key = createPrivateKey({ key: pair.privateKey, format: 'jwk' })
  const signature =
    algorithm === 'EdDSA'
      ? sign(null, Buffer.from(input), key)
      : createSign('sha256').update(input).sign({ key, dsaEncoding: 'ieee-p1363' })
  const token = `${input}.${signature.toString('base64url')}`
  return { algorithm, jwk: { ...(pair.publicKey as JWK), kid: 'k1' }, secret: pair.privateKey as JWK, token }
}

const asJwk = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'jwk' } } as never
const rsaPair = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength, ...(asJwk as object) } as never) as never
const rsa = signer('RS256', rsaPair(2_048))
const weak = signer('RS256', rsaPair(1_024))
const ec = signer('ES256', generateKeyPairSync('ec', { namedCurve: 'P-256', ...(asJwk as object) } as never) as never)
const ed = signer('EdDSA', generateKeyPairSync('ed25519', asJwk) as never)

/** What becomes of a good token where the issuer tells its key so. */
async function verdict({ algorithm, token }: Signer, jwk: unknown): Promise<string> {
  const keys = 'https://id.example.com/keys'
  const fetch = async () => Response.json({ keys: [jwk] })
  const verifier = jwt({ issuer, audience: 'api', algorithms: [algorithm], keys, fetching: { fetch } })
  const found = await verifier.verify(contextOf({ authorization: `Bearer ${token}` }))
  return found.kind === 'refused' ? found.reason : found.kind
}

const bytes = (text: unknown) => Buffer.from(text as string, 'base64url')
const text = (...parts: readonly Uint8Array[]) => Buffer.concat(parts).toString('base64url')
const { n, e } = rsa.jwk as { n: string; e: string }
const { x, y } = ec.jwk as { x: string; y: string }
const privateParts = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const

// Each is a way in which a key could be taken that must not be. Whoever signs has the right private key.
const usual: readonly (readonly [string, object])[] = [
  ['for encryption', { use: 'enc' }],
  ['with use in capitals', { use: 'SIG' }],
  ['with an empty use', { use: '' }],
  ['with a use that is null', { use: null }],
  ['with two uses', { use: ['sig'] }],
  ['for nothing', { key_ops: [] }],
  ['for signing', { key_ops: ['sign'] }],
  ['for what is no list', { key_ops: 'verify' }],
  ['for null', { key_ops: null }],
  ['for verifying in capitals', { key_ops: ['VERIFY'] }],
  ['of use for signatures, and operations of encryption', { use: 'sig', key_ops: ['encrypt'] }],
  ['of use for encryption, and an operation of signatures', { use: 'enc', key_ops: ['verify'] }],
  ['for no algorithm', { alg: 'none' }],
  ['for an algorithm that is null', { alg: null }],
  ['for a list of algorithms', { alg: ['RS256', 'ES256', 'EdDSA'] }],
  ['for an empty algorithm', { alg: '' }],
  ['for a secret’s algorithm', { alg: 'HS256' }],
  ['of no type', { kty: undefined }],
  ['of a type in small letters', { kty: 'rsa' }],
  ['a secret', { kty: 'oct', k: text(Buffer.alloc(64, 1)) }],
  ['under another name', { kid: 'k2' }],
  ['under a name that is a list', { kid: ['k1'] }],
]

describe.each([
  ['RS256', rsa],
  ['ES256', ec],
  ['EdDSA', ed],
] as const)('a key for %s', (_, good) => {
  test('as it is told verifies', async () => {
    expect(await verdict(good, good.jwk)).toBe('proved')
    for (const more of [{ use: 'sig' }, { key_ops: ['verify'] }, { alg: good.algorithm }, { unknown: { a: 1 } }])
      expect(await verdict(good, { ...good.jwk, ...more })).toBe('proved')
  })

  test.each(usual)('%s verifies nothing', async (__, change) => {
    expect(await verdict(good, { ...good.jwk, ...change })).toBe('unknown-key')
  })

  test.each(privateParts.filter((name) => name in good.secret))(
    'with its %s, which is private, verifies nothing',
    async (name) => {
      expect(await verdict(good, { ...good.jwk, [name]: good.secret[name] })).toBe('unknown-key')
    },
  )
})

test.each<[string, object]>([
  ['without n', { n: undefined }],
  ['without e', { e: undefined }],
  ['with n as a number', { n: 7 }],
  ['with n in the other alphabet', { n: bytes(n).toString('base64') }],
  ['with a line break in n', { n: `${n.slice(0, 9)}\n${n.slice(9)}` }],
  ['with an e of 1', { e: 'AQ' }],
  ['with an even e', { e: 'AQAA' }],
  ['with an e that is empty', { e: '' }],
  ['with an e in the other alphabet', { e: 'AQAB=' }],
  ['with an n of nothing but zeros', { n: text(Buffer.alloc(256)) }],
  ['with an n of 20,000 bits', { n: text(Buffer.alloc(2_500, 0xff)) }],
  ['on a curve', { kty: 'EC', crv: 'P-256', x, y }],
])('an RSA key %s verifies nothing', async (_, change) => {
  expect(await verdict(rsa, { ...rsa.jwk, ...change })).toMatch(/^(unknown-key|bad-signature)$/)
})

test('an RSA key of 1,024 bits verifies nothing, also where zeros make it look longer', async () => {
  expect(await verdict(weak, weak.jwk)).toBe('unknown-key')
  const longer = text(Buffer.alloc(128), bytes(weak.jwk.n))
  expect(await verdict(weak, { ...weak.jwk, n: longer })).toBe('unknown-key')
})

const P = BigInt('0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff')
const beyond = (value: string) =>
  Buffer.from((BigInt(`0x${bytes(value).toString('hex')}`) + P).toString(16).padStart(66, '0'), 'hex')

test.each<[string, object]>([
  ['without x', { x: undefined }],
  ['without y', { y: undefined }],
  ['with y as a number', { y: 7 }],
  ['with x and y the other way round', { x: y, y: x }],
  ['that is no point of the curve', { y: text(bytes(y).map((byte, at) => (at === 31 ? byte ^ 1 : byte))) }],
  ['at the origin', { x: text(Buffer.alloc(32)), y: text(Buffer.alloc(32)) }],
  ['with a short x', { x: text(bytes(x).subarray(1)) }],
  ['with an x beyond the field', { x: text(beyond(x)) }],
  ['of another curve', { crv: 'P-384' }],
  ['of Bitcoin’s curve', { crv: 'secp256k1' }],
  ['of a curve in small letters', { crv: 'p-256' }],
  ['of a curve of another type', { crv: 'Ed25519' }],
  ['of a list of curves', { crv: ['P-256'] }],
  ['of the type of Ed25519', { kty: 'OKP' }],
  ['of RSA', { kty: 'RSA', n, e }],
])('an EC key %s verifies nothing', async (_, change) => {
  expect(await verdict(ec, { ...ec.jwk, ...change })).toMatch(/^(unknown-key|bad-signature)$/)
})

test.each<[string, object]>([
  ['without x', { x: undefined }],
  ['of 31 bytes', { x: text(bytes(ed.jwk.x).subarray(1)) }],
  ['of 33 bytes', { x: text(bytes(ed.jwk.x), Buffer.alloc(1)) }],
  ['for key exchange', { crv: 'X25519' }],
  ['of the other size', { crv: 'Ed448' }],
  ['of the type of curves', { kty: 'EC' }],
])('an Ed25519 key %s verifies nothing', async (_, change) => {
  expect(await verdict(ed, { ...ed.jwk, ...change })).toMatch(/^(unknown-key|bad-signature)$/)
})
