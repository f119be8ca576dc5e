import type { JWK } from 'jose'
import { bytesOf } from '../jwt/compact.ts'

/** Algorithms of signatures (RFC 7518 §3, RFC 8037, RFC 9864). `none` is not one of them. */
export const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'HS256',
  'HS384',
  'HS512',
] as const

export type Algorithm = (typeof algorithms)[number]

const curves: Partial<Record<Algorithm, string>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
}

/** Whether it is one that both sides sign with, by a shared secret. */
export const isSymmetric = (algorithm: Algorithm): boolean => algorithm.startsWith('HS')

/**
 * Whether a key may verify what is signed by this algorithm (RFC 8725 §3.1, §3.5): of the right type, curve and size, and not
 * marked for something else. One key marked `alg` serves that one alone.
 */
export function fits(jwk: JWK, algorithm: Algorithm): boolean {
  if (jwk.use !== undefined && jwk.use !== 'sig') return false
  if (jwk.key_ops !== undefined && !(Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify'))) return false
  if (jwk.alg !== undefined && jwk.alg !== algorithm) return false
  if (isSymmetric(algorithm)) return jwk.kty === 'oct' && bitsOf(jwk.k) >= Number(algorithm.slice(2))
  if (isGivenAway(jwk)) return false
  const curve = curves[algorithm]
  if (curve !== undefined) return jwk.kty === (algorithm.startsWith('ES') ? 'EC' : 'OKP') && jwk.crv === curve
  return jwk.kty === 'RSA' && bitsOf(jwk.n) >= 2_048 && bitsOf(jwk.n) <= 16_384 && isExponent(jwk.e)
}

/** A private key among public ones has been given to everybody, be it in parts: whoever signs with it is anybody. */
export const isGivenAway = (jwk: JWK): boolean => privateMembers.some((member) => jwk[member] !== undefined)

// RFC 7518 §6.2.2, §6.3.2, §6.4.1, RFC 8037 §2. From a factor of the modulus the rest can be computed.
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const

// With 1 each message is its own signature; an even one has no inverse.
function isExponent(e: unknown): boolean {
  const value = typeof e === 'string' ? BigInt(`0x0${bytesOf(e)?.toString('hex') ?? ''}`) : 0n
  return value > 1n && (value & 1n) === 1n
}

/** The size of a number or a secret in base64url, in bits; 0 for what is none. */
function bitsOf(value: unknown): number {
  const bytes = typeof value === 'string' ? bytesOf(value) : undefined
  if (!bytes) return 0
  const leading = bytes.findIndex((byte) => byte !== 0)
  // A secret may begin with zeros; a modulus that does is written wrongly, and counts for what it is.
  return leading <= 0 ? bytes.length * 8 : (bytes.length - leading) * 8
}
