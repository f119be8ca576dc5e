import { type CryptoKey, importJWK, type JWK } from 'jose'
import { type Algorithm, fits } from './fit.ts'

/** A key that may verify, and for what. */
export interface VerifyKey {
  readonly algorithm: Algorithm
  /** Imported once, when it is first needed; undefined where it is no key after all. */
  imported(): Promise<CryptoKey | undefined>
}

/** How many keys are tried for a token that does not say which one it is signed with. */
const MAX_TRIED = 4

/**
 * The keys of one issuer at one time. Never changed. Entries that are no keys, or not for signatures, are as if they were not
 * there: one that is broken must not take the others with it.
 */
export class KeySet {
  private readonly jwks: readonly JWK[]
  private readonly made = new Map<JWK, Map<Algorithm, VerifyKey>>()

  /** @param jwks the members of `keys` (RFC 7517 §5), at most 100 of them are looked at */
  constructor(jwks: readonly unknown[]) {
    this.jwks = jwks.slice(0, 100).filter(isObject)
  }

  /** How many of them can verify what is signed by one of these algorithms. */
  sizeFor(algorithms: readonly Algorithm[]): number {
    return this.jwks.filter((jwk) => algorithms.some((algorithm) => fits(jwk, algorithm))).length
  }

  /** Whether there is a key of this name, whatever it is for. */
  has(kid: string): boolean {
    return this.jwks.some((jwk) => jwk.kid === kid)
  }

  /** The keys that a token may be signed with. Without a `kid` each key that fits may be, four at most. */
  find(kid: string | undefined, algorithm: Algorithm): readonly VerifyKey[] {
    const found = this.jwks.filter((jwk) => (kid === undefined || jwk.kid === kid) && fits(jwk, algorithm))
    return found.slice(0, MAX_TRIED).map((jwk) => this.keyOf(jwk, algorithm))
  }

  private keyOf(jwk: JWK, algorithm: Algorithm): VerifyKey {
    const made = this.made.get(jwk) ?? new Map<Algorithm, VerifyKey>()
    this.made.set(jwk, made)
    const key = made.get(algorithm) ?? verifyKey(jwk, algorithm)
    made.set(algorithm, key)
    return key
  }
}

function verifyKey(jwk: JWK, algorithm: Algorithm): VerifyKey {
  let imported: Promise<CryptoKey | undefined> | undefined
  return {
    algorithm,
    imported() {
      imported ??= importedKey(jwk, algorithm).catch(() => undefined)
      return imported
    },
  }
}

async function importedKey(jwk: JWK, algorithm: Algorithm): Promise<CryptoKey> {
  // Without what only decides what it may be used for: that was looked at, and differs between platforms.
  const { key_ops: _, use: __, ext: ___, ...bare } = jwk
  const key = await importJWK(bare as JWK, algorithm)
  return key instanceof Uint8Array ? secretKey(key, algorithm) : key
}

/** A secret as a key: jose would make one of it for each token. */
function secretKey(secret: Uint8Array, algorithm: Algorithm): Promise<CryptoKey> {
  const hash = `SHA-${algorithm.slice(2)}`
  return crypto.subtle.importKey('raw', Buffer.from(secret), { name: 'HMAC', hash }, false, ['verify'])
}

const isObject = (value: unknown): value is JWK => typeof value === 'object' && value !== null && !Array.isArray(value)
