import type { CryptoKey } from 'jose'
import type { Algorithm } from '../keys/fit.ts'
import type { VerifyKey } from '../keys/key-set.ts'

/**
 * Whether a token is signed by one of these keys, each by its own algorithm (RFC 7515 §5.2). The token was taken apart before, and its
 * header judged: jose's `compactVerify` would do both again before it asks the same of the platform.
 */
export async function isSigned(token: string, signature: Uint8Array, keys: readonly VerifyKey[]): Promise<boolean> {
  const input = Buffer.from(token.slice(0, token.lastIndexOf('.')), 'latin1')
  for (const key of keys) {
    const imported = await key.imported()
    if (imported && (await isSignedBy(imported, key.algorithm, signature, input))) return true
  }
  return false
}

/** A signature that is not even of the right form is none. */
async function isSignedBy(key: CryptoKey, algorithm: Algorithm, signature: Uint8Array, input: Buffer): Promise<boolean> {
  try {
    return await crypto.subtle.verify(parameters[algorithm], key, signature, input)
  } catch {
    return false
  }
}

const pkcs1 = { name: 'RSASSA-PKCS1-v1_5' }
const hmac = { name: 'HMAC' }
const ed25519 = { name: 'Ed25519' }

// RFC 7518 §3.2 to §3.5, RFC 8037 §3.1. The hashes of RSA and HMAC are parts of their keys. The salt is as long as the hash.
const parameters: Readonly<Record<Algorithm, { name: string; hash?: string; saltLength?: number }>> = {
  RS256: pkcs1,
  RS384: pkcs1,
  RS512: pkcs1,
  PS256: { name: 'RSA-PSS', saltLength: 32 },
  PS384: { name: 'RSA-PSS', saltLength: 48 },
  PS512: { name: 'RSA-PSS', saltLength: 64 },
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', hash: 'SHA-384' },
  ES512: { name: 'ECDSA', hash: 'SHA-512' },
  EdDSA: ed25519,
  Ed25519: ed25519,
  HS256: hmac,
  HS384: hmac,
  HS512: hmac,
}
