// The module and not its names: what is called by a name of an import cannot be watched by a test.
import crypto from 'node:crypto'

/** HMAC-SHA-256, 32 bytes. */
export function keyedHash(key: Uint8Array, text: string): Buffer {
  return crypto.createHmac('sha256', key).update(text, 'utf8').digest()
}

/**
 * Whether two hashes are the same, in a time that does not tell how much of them is. Compares always 32 bytes, also with what is none:
 * an answer that came sooner would say that there is nothing to compare with.
 */
export function isSameHash(own: Buffer, expected: Buffer | undefined): boolean {
  const isHash = expected?.byteLength === own.byteLength
  const isSame = crypto.timingSafeEqual(own, isHash ? expected : nothing)
  return isSame && isHash
}

const nothing = Buffer.alloc(32)
