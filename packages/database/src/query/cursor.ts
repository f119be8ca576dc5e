import { createHmac, timingSafeEqual } from 'node:crypto'
import { GatewayError } from '@gatelet/core'

/** Makes and reads cursors: where a page ended, signed, so that clients cannot make any. They can read them. */
export interface Cursors {
  make(keys: readonly unknown[]): string
  /** @throws GatewayError `INVALID_REQUEST` for one that was not made here, for these rows */
  read(cursor: string): readonly unknown[]
}

/**
 * @param secret at least 16 bytes
 * @param purpose what they are for, so that one of another route is refused
 */
export function cursors(secret: string, purpose: string): Cursors {
  const signature = (payload: string) => createHmac('sha256', secret).update(`${purpose}\0${payload}`).digest()
  return {
    make(keys) {
      const payload = Buffer.from(JSON.stringify(keys)).toString('base64url')
      return `${payload}.${signature(payload).toString('base64url')}`
    },
    read(cursor) {
      const [payload = '', signed = '', ...others] = cursor.split('.')
      const given = Buffer.from(signed, 'base64url')
      const right = signature(payload)
      const isOurs = others.length === 0 && given.byteLength === right.byteLength && timingSafeEqual(given, right)
      // Base64url has several spellings of the same bytes: only ours is one.
      if (!isOurs || given.toString('base64url') !== signed) throw invalid()
      return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as unknown[]
    },
  }
}

const invalid = () => new GatewayError('INVALID_REQUEST', { detail: 'cursor must be one that a page before has given' })
