import {
  constants,
  createHmac,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  KeyObject,
  type SigningOptions,
  verify,
} from 'node:crypto'
import { type Check, type Checks, options } from '@gatelet/core'
import { isSameHash } from '../digest.ts'
import type { Claims } from '../principal.ts'

const signatureAlgorithms = [
  'ed25519',
  'ecdsa-p256-sha256',
  'ecdsa-p384-sha384',
  'rsa-pss-sha512',
  'rsa-v1_5-sha256',
  'hmac-sha256',
] as const

/** How messages are signed (RFC 9421 §3.3), as its registry names it. */
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number]

/** A key, the one algorithm that it is for, and whose it is. */
export interface SignatureKey {
  readonly algorithm: SignatureAlgorithm
  /** Public: PEM, a JWK or a `KeyObject`; RSA of at least 2,048 bits. For `hmac-sha256` the secret, of at least 32 bytes. */
  readonly key: string | JsonWebKey | KeyObject | Uint8Array
  /** Who signs with it. Default: the name of the key. */
  readonly subject?: string
  readonly scopes?: readonly string[]
  readonly roles?: readonly string[]
  readonly claims?: Claims
  /** When it ends, in milliseconds since 1970. Default: it does not. */
  readonly expiresAt?: number
}

const { list, optional, string } = options

/** What `keys` holds. */
export const signatureKeyChecks: Checks<SignatureKey> = {
  algorithm: options.oneOf(...signatureAlgorithms),
  key: (value, path) => {
    const isSome = typeof value === 'string' || (typeof value === 'object' && value !== null)
    // Never what it is.
    if (!isSome) throw options.wrong(typeof value, path, 'a public key, or a secret of at least 32 bytes')
    return value as SignatureKey['key']
  },
  subject: optional(string),
  scopes: optional(list(string)),
  roles: optional(list(string)),
  claims: optional(options.record(options.anything) as Check<Claims>),
  expiresAt: optional(options.number({ min: 0, max: 8_640_000_000_000_000 })),
}

const imported = new WeakMap<SignatureKey, KeyObject>()

/**
 * The key in the form that verifies.
 * @returns undefined where it is not one for its algorithm, or too weak
 */
export function verifyingKey(given: SignatureKey): KeyObject | undefined {
  const known = imported.get(given)
  if (known) return known
  try {
    if (!signatureAlgorithms.includes(given.algorithm)) return undefined
    const key = given.algorithm === 'hmac-sha256' ? secretOf(given.key) : publicOf(given.key)
    if (!fits(key, given.algorithm)) return undefined
    imported.set(given, key)
    return key
  } catch {
    return undefined
  }
}

function secretOf(key: SignatureKey['key']): KeyObject {
  if (key instanceof KeyObject) return key
  if (key instanceof Uint8Array) return createSecretKey(key)
  throw new TypeError('a secret is bytes')
}

function publicOf(key: SignatureKey['key']): KeyObject {
  if (key instanceof KeyObject) return key
  if (typeof key === 'string') return createPublicKey(key)
  return createPublicKey({ key: key as JsonWebKey, format: 'jwk' })
}

function fits(key: KeyObject, algorithm: SignatureAlgorithm): boolean {
  const { type, asymmetricKeyType, asymmetricKeyDetails: { namedCurve, modulusLength = 0 } = {} } = key
  if (algorithm === 'hmac-sha256') return type === 'secret' && (key.symmetricKeySize ?? 0) >= 32
  if (type !== 'public') return false
  if (algorithm === 'ed25519') return asymmetricKeyType === 'ed25519'
  if (algorithm === 'ecdsa-p256-sha256') return namedCurve === 'prime256v1'
  if (algorithm === 'ecdsa-p384-sha384') return namedCurve === 'secp384r1'
  const isRsa = asymmetricKeyType === 'rsa' || (algorithm === 'rsa-pss-sha512' && asymmetricKeyType === 'rsa-pss')
  return isRsa && modulusLength >= 2_048
}

const pss: SigningOptions = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }

const hashes = {
  ed25519: [undefined, {}],
  // §3.3.4: the two numbers, one after the other; of that length and no other.
  'ecdsa-p256-sha256': ['sha256', { dsaEncoding: 'ieee-p1363' }],
  'ecdsa-p384-sha384': ['sha384', { dsaEncoding: 'ieee-p1363' }],
  'rsa-pss-sha512': ['sha512', pss],
  'rsa-v1_5-sha256': ['sha256', { padding: constants.RSA_PKCS1_PADDING }],
} as const satisfies Record<Exclude<SignatureAlgorithm, 'hmac-sha256'>, readonly [string | undefined, SigningOptions]>

/** Whether `signature` is that of `base`, by a key that fits. A HMAC is compared in constant time. */
export function isSignedBy(key: KeyObject, algorithm: SignatureAlgorithm, base: Buffer, signature: Buffer): boolean {
  if (algorithm === 'hmac-sha256') return isSameHash(createHmac('sha256', key).update(base).digest(), signature)
  const [hash, how] = hashes[algorithm]
  try {
    return verify(hash, base, { key, ...how }, signature)
  } catch {
    return false
  }
}
