import { options } from '@gatelet/core'

/** What a connection was closed with. 1005: without a code; 1006: without a word. */
export interface Closed {
  readonly code: number
  readonly reason: string
}

const MAX_REASON_BYTES = 123

/**
 * A code and a reason that may be sent (RFC 6455 §7.4): 1000 to 1014 without those that only a library reports, and 3000 to 4999. The
 * reason has at most 123 bytes in UTF-8.
 * @throws GatewayError `BAD_OPTION`
 */
export function checkClose(code: number, reason: string): void {
  if (!isSendable(code)) throw options.wrong(code, 'code', 'a close code that may be sent: 1000 to 1014, 3000 to 4999')
  if (typeof reason !== 'string' || Buffer.byteLength(reason) > MAX_REASON_BYTES)
    throw options.wrong(reason, 'reason', `a text of at most ${MAX_REASON_BYTES} bytes`)
}

// 1004 has no meaning, 1005 and 1006 are never sent, and 1010 is the client's.
const unsendable: ReadonlySet<number> = new Set([1004, 1005, 1006, 1010])

function isSendable(code: number): boolean {
  if (!Number.isInteger(code)) return false
  return (code >= 1000 && code <= 1014 && !unsendable.has(code)) || (code >= 3000 && code <= 4999)
}
