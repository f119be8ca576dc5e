import type { RawData } from 'ws'

/** One message of a WebSocket: a text, or bytes. */
export type Frame = string | Uint8Array

/** A message as `ws` hands it over. */
export function frameOf(data: RawData, isBinary: boolean): Frame {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data)
  return isBinary ? bytes : bytes.toString()
}

/** Bytes of a message. */
export const frameLength = (frame: Frame): number => (typeof frame === 'string' ? Buffer.byteLength(frame) : frame.byteLength)

/** A message as text; bytes in base64. */
export const textOf = (frame: Frame): string => (typeof frame === 'string' ? frame : Buffer.from(frame).toString('base64'))

/** Whether a text is JSON. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
