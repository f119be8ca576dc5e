import { constants, createHash, createHmac, createSign, KeyObject, privateEncrypt, sign } from 'node:crypto'
import { jwt, type Verdict } from '@gatelet/auth'
import fc from 'fast-check'
import { type CryptoKey, exportJWK, generateKeyPair, generateSecret, type JWK } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Algorithm, algorithms, isSymmetric } from '../../src/keys/fit.ts'
import { contextOf } from '../fakes.ts'

const issuer = 'https://id.example.com/'

/** A key, and what is signed with it. */
interface Signer {
  readonly algorithm: Algorithm
  readonly key: KeyObject
  readonly jwk: JWK
}

const encoded = (value: unknown) =>
  Buffer.from(value instanceof Uint8Array || typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const inputOf = (algorithm: string) => {
  const claims = { iss: issuer, aud: 'api', sub: 'ada', exp: Math.floor(Date.now() / 1_000) + 3_600 }
  return `${encoded({ alg: algorithm })}.${encoded(claims)}`
}

async function signerOf(algorithm: Algorithm): Promise<Signer> {
  if (isSymmetric(algorithm)) {
    const secret = await generateSecret(algorithm, { extractable: true })
    return { algorithm, key: KeyObject.from(secret as never), jwk: await exportJWK(secret) }
  }
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  return { algorithm, key: KeyObject.from(privateKey as CryptoKey as never), jwk: await exportJWK(publicKey) }
}

const hmac = (hash: string, key: KeyObject | Buffer, input: string) => createHmac(hash, key).update(input).digest()

/** Signs by Node's own functions: what is verified elsewhere should be made elsewhere. */
function signatureOf({ algorithm, key }: Signer, input: string): Buffer {
  const hash = `sha${algorithm.slice(2)}`
  if (algorithm.startsWith('HS')) return hmac(hash, key, input)
  if (algorithm.startsWith('Ed')) return sign(null, Buffer.from(input), key)
  const padding = algorithm.startsWith('PS')
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(hash.slice(3)) / 8 }
    : {}
  return sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363', ...padding })
}

function verdictOn(signer: Signer, input: string, signature: Uint8Array, allowed: readonly Algorithm[] = [signer.algorithm]) {
  const verifier = jwt({ issuer, audience: 'api', algorithms: allowed, keys: [signer.jwk] })
  return Promise.resolve(verifier.verify(contextOf({ authorization: `Bearer ${input}.${encoded(signature)}` })))
}

const signers = new Map<Algorithm, Signer>()
beforeAll(async () => {
  for (const algorithm of algorithms) signers.set(algorithm, await signerOf(algorithm))
})
const of = (algorithm: Algorithm) => signers.get(algorithm) as Signer
const isBad = { kind: 'refused', status: 401, reason: 'bad-signature' }

describe.each(algorithms)('%s', (algorithm) => {
  test('a signature that was made elsewhere is good', async () => {
    const input = inputOf(algorithm)
    expect(await verdictOn(of(algorithm), input, signatureOf(of(algorithm), input))).toMatchObject({ kind: 'proved' })
  })

  test.each<[string, (signature: Buffer) => Buffer]>([
    ['without its last byte', (signature) => signature.subarray(0, -1)],
    ['without its first byte', (signature) => signature.subarray(1)],
    ['with a byte more', (signature) => Buffer.concat([signature, Buffer.alloc(1)])],
    ['with a zero in front', (signature) => Buffer.concat([Buffer.alloc(1), signature])],
    ['of half its length', (signature) => signature.subarray(0, signature.length / 2)],
    ['twice', (signature) => Buffer.concat([signature, signature])],
    ['of one byte', (signature) => signature.subarray(0, 1)],
    ['of zeros', (signature) => Buffer.alloc(signature.length)],
    ['of ones', (signature) => Buffer.alloc(signature.length, 255)],
    ['backwards', (signature) => Buffer.from(signature).reverse()],
  ])('a signature %s is bad', async (_, spoil) => {
    const input = inputOf(algorithm)
    expect(await verdictOn(of(algorithm), input, spoil(signatureOf(of(algorithm), input)))).toMatchObject(isBad)
  })

  test('each bit of a signature counts', async () => {
    const input = inputOf(algorithm)
    const signature = signatureOf(of(algorithm), input)
    // A bit of each byte; all of them would take minutes for some.
    for (let at = 0; at < signature.length; at++) {
      const spoilt = Buffer.from(signature)
      spoilt[at] = (spoilt[at] as number) ^ (1 << (at % 8))
      expect(await verdictOn(of(algorithm), input, spoilt), `byte ${at}`).toMatchObject(isBad)
    }
  })

  test('a signature by another key of its kind is bad', async () => {
    const input = inputOf(algorithm)
    expect(await verdictOn(of(algorithm), input, signatureOf(await signerOf(algorithm), input))).toMatchObject(isBad)
  })
})

// SEC 2: the order of each curve's group.
const orders = {
  ES256: 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  ES384: 'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  ES512: `01${'f'.repeat(64)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`,
} as const

describe.each(['ES256', 'ES384', 'ES512'] as const)('%s', (algorithm) => {
  const order = Buffer.from(orders[algorithm], 'hex')
  const size = order.length
  const numbers: Readonly<Record<string, (own: Buffer) => Buffer>> = {
    'its own': (own) => own,
    zero: () => Buffer.alloc(size),
    one: () => Buffer.concat([Buffer.alloc(size - 1), Buffer.from([1])]),
    'the order': () => order,
    'the order less one': () => Buffer.concat([order.subarray(0, -1), Buffer.from([(order.at(-1) as number) - 1])]),
    'all ones': () => Buffer.alloc(size, 255),
  }
  const pairs = Object.keys(numbers).flatMap((r) => Object.keys(numbers).map((s): [string, string] => [r, s]))

  test.each(pairs.filter(([r, s]) => r !== 'its own' || s !== 'its own'))('r as %s and s as %s is bad', async (r, s) => {
    const input = inputOf(algorithm)
    const own = signatureOf(of(algorithm), input)
    const halves = [numbers[r]?.(own.subarray(0, size)), numbers[s]?.(own.subarray(size))] as Buffer[]
    expect(await verdictOn(of(algorithm), input, Buffer.concat(halves))).toMatchObject(isBad)
  })

  test('r and s the other way round is bad', async () => {
    const input = inputOf(algorithm)
    const own = signatureOf(of(algorithm), input)
    expect(await verdictOn(of(algorithm), input, Buffer.concat([own.subarray(size), own.subarray(0, size)]))).toMatchObject(isBad)
  })

  test('the DER form, which others use, is bad', async () => {
    const input = inputOf(algorithm)
    const der = createSign(`sha${algorithm === 'ES512' ? 512 : algorithm.slice(2)}`)
      .update(input)
      .sign(of(algorithm).key)
    expect(await verdictOn(of(algorithm), input, der)).toMatchObject(isBad)
  })

  test.each(['ES256', 'ES384', 'ES512'] as const)('the curve of %s does not do for it, if it is another', async (other) => {
    if (other === algorithm) return
    const input = inputOf(algorithm)
    const signature = sign(`sha${algorithm.slice(2)}`, Buffer.from(input), { key: of(other).key, dsaEncoding: 'ieee-p1363' })
    expect(await verdictOn(of(algorithm), input, signature)).toMatchObject(isBad)
    const mixed = verdictOn({ ...of(algorithm), jwk: of(other).jwk }, input, signature, [algorithm, other])
    expect(await mixed).toMatchObject({ kind: 'refused', reason: 'unknown-key' })
  })
})

describe('RSA', () => {
  const hashes = { RS256: '3031300d060960864801650304020105000420', RS384: '3041300d060960864801650304020205000430' } as const
  /** What a signature of PKCS #1 v1.5 is made of, signed as it stands. */
  const padded = (info: Buffer, filler: number, behind = Buffer.alloc(0)) => {
    const block = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(filler, 255), Buffer.from([0]), info, behind])
    const whole = Buffer.concat([block, Buffer.alloc(256 - block.length)])
    return privateEncrypt({ key: of('RS256').key, padding: constants.RSA_NO_PADDING }, whole)
  }
  const digest = (input: string, hash = 'sha256') => createHash(hash).update(input).digest()
  const info = (input: string) => Buffer.concat([Buffer.from(hashes.RS256, 'hex'), digest(input)])

  test('as the standard has it, the block is good', async () => {
    const input = inputOf('RS256')
    expect(await verdictOn(of('RS256'), input, padded(info(input), 202))).toMatchObject({ kind: 'proved' })
  })

  test.each<[string, (input: string) => Buffer]>([
    ['with garbage behind the hash', (input) => padded(info(input), 8, Buffer.alloc(194, 7))],
    ['with little filling', (input) => padded(info(input), 100)],
    ['with the hash alone', (input) => padded(digest(input), 221)],
    [
      'that names another hash',
      (input) => padded(Buffer.concat([Buffer.from(hashes.RS384, 'hex'), digest(input, 'sha384')]), 186),
    ],
    [
      'with SHA-1',
      (input) => padded(Buffer.concat([Buffer.from('3021300906052b0e03021a05000414', 'hex'), digest(input, 'sha1')]), 218),
    ],
    [
      'without the parameters of the hash',
      (input) => padded(Buffer.concat([Buffer.from('302f300b06096086480165030402010420', 'hex'), digest(input)]), 204),
    ],
  ])('a block %s is bad', async (_, make) => {
    const input = inputOf('RS256')
    expect(await verdictOn(of('RS256'), input, make(input))).toMatchObject(isBad)
  })

  test.each([0, 20, 31, 33])('PS256 with a salt of %i bytes is bad (RFC 7518 §3.5)', async (saltLength) => {
    const input = inputOf('PS256')
    const padding = constants.RSA_PKCS1_PSS_PADDING
    const signature = sign('sha256', Buffer.from(input), { key: rsaKey(), padding, saltLength })
    expect(await verdictOn({ ...of('RS256'), algorithm: 'PS256' }, input, signature)).toMatchObject(isBad)
  })

  test.each<[Algorithm, Algorithm]>([
    ['RS256', 'PS256'],
    ['PS256', 'RS256'],
    ['RS256', 'RS512'],
  ])('what is made by %s is not good as %s, with a key for both', async (made, said) => {
    const input = inputOf(said)
    const signature = signatureOf({ ...of('RS256'), algorithm: made, key: rsaKey() }, input)
    expect(await verdictOn(of('RS256'), input, signature, [made, said])).toMatchObject(isBad)
  })

  test.each(['AQ', 'AA', 'Ag', '', 'AQAA'])('a key with the exponent %j, by which anybody could sign, is none', (e) => {
    expect(() => jwt({ issuer, audience: 'api', algorithms: ['RS256'], keys: [{ ...of('RS256').jwk, e }] })).toThrow(/keys\[0\]/)
  })

  function rsaKey(): KeyObject {
    return of('RS256').key
  }
})

describe('Ed25519', () => {
  // RFC 8032 §5.1: the order of the group.
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const number = (bytes: Buffer) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
  const bytes = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()

  test.each([1n, 2n, 7n])('s with %s times the order added is bad (RFC 8032 §5.1.7)', async (times) => {
    const input = inputOf('EdDSA')
    const own = signatureOf(of('EdDSA'), input)
    const s = number(own.subarray(32)) + times * order
    expect(await verdictOn(of('EdDSA'), input, Buffer.concat([own.subarray(0, 32), bytes(s)]))).toMatchObject(isBad)
  })
})

describe.each(['HS256', 'HS384', 'HS512'] as const)('%s', (algorithm) => {
  test.each(['HS256', 'HS384', 'HS512'] as const)('the code of %s does not do for it, if it is another', async (other) => {
    if (other === algorithm) return
    const input = inputOf(algorithm)
    expect(await verdictOn(of(algorithm), input, hmac(`sha${other.slice(2)}`, of(algorithm).key, input))).toMatchObject(isBad)
  })

  test('a code under an empty secret is bad', async () => {
    const input = inputOf(algorithm)
    expect(await verdictOn(of(algorithm), input, hmac(`sha${algorithm.slice(2)}`, Buffer.alloc(0), input))).toMatchObject(isBad)
  })
})

describe.each<Algorithm>(['ES256', 'HS256', 'RS256', 'EdDSA'])('%s', (algorithm) => {
  test('no token with one byte changed, wherever and whatever to, is good', async () => {
    const input = inputOf(algorithm)
    const token = `${input}.${encoded(signatureOf(of(algorithm), input))}`
    const verifier = jwt({ issuer, audience: 'api', algorithms: [algorithm], keys: [of(algorithm).jwk] })
    const ask = async (text: string): Promise<Verdict> => verifier.verify(contextOf({ authorization: `Bearer ${text}` }))
    expect(await ask(token)).toMatchObject({ kind: 'proved' })
    const change = fc.tuple(fc.nat(2), fc.nat(), fc.integer({ min: 1, max: 255 }))
    await fc.assert(
      fc.asyncProperty(change, async ([part, at, mask]) => {
        const parts = token.split('.').map((text) => Buffer.from(text, 'base64url'))
        const bytes = parts[part] as Buffer
        bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ mask
        expect(await ask(parts.map(encoded).join('.'))).toMatchObject({ kind: 'refused' })
      }),
      { seed: 8, numRuns: 500 },
    )
  })

  test('no token with one letter changed, left out or added is good', async () => {
    const input = inputOf(algorithm)
    const token = `${input}.${encoded(signatureOf(of(algorithm), input))}`
    const verifier = jwt({ issuer, audience: 'api', algorithms: [algorithm], keys: [of(algorithm).jwk] })
    const letter = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/~')
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), letter, fc.nat(2), async (at, char, how) => {
        const [behind, put] = [how === 2 ? at : at + 1, how === 1 ? '' : char]
        const other = token.slice(0, at) + put + token.slice(behind)
        fc.pre(other !== token)
        const verdict = await verifier.verify(contextOf({ authorization: `Bearer ${other}` }))
        expect(verdict).toMatchObject({ kind: 'refused' })
      }),
      { seed: 8, numRuns: 500 },
    )
  })
})
