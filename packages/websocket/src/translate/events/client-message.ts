import { GatewayError } from '@gatelet/core'
import type { Frame } from '../frame.ts'

/**
 * The message that a body is: text and JSON a text, other types bytes.
 * @throws GatewayError `MALFORMED_BODY` for a text that is no UTF-8, for which the server would close the connection
 */
export function frameIn(bytes: Uint8Array, type: string | undefined): Frame {
  if (!/^(?:text\/|application\/(?:[^;]*\+)?json\b)/i.test(type ?? '')) return bytes
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new GatewayError('MALFORMED_BODY', { detail: 'A text must be UTF-8' })
  }
}
