import type { HeaderList } from '@gatelet/core'
import type { ByteRange } from './types.ts'

/** The frame of a body of several ranges. */
export interface MultipartFrame {
  /** What goes before each range. */
  readonly preambles: readonly Uint8Array[]
  /** What goes after the last one. */
  readonly closing: Uint8Array
}

/**
 * Makes the frame of several ranges (RFC 9110 §14.6) and sets `Content-Type` and `Content-Length` to it.
 * @param headers those of the answer, with the `Content-Type` of the whole
 * @param length bytes of the whole body
 * @param boundary 1 to 70 letters and digits that nobody can guess: what is stored could have them
 */
export function multipart(headers: HeaderList, ranges: readonly ByteRange[], length: number, boundary: string): MultipartFrame {
  const type = headers.get('content-type')
  const typeLine = type === undefined ? '' : `Content-Type: ${type}\r\n`
  const preambles = ranges.map(({ start, end }, at) => {
    const before = at === 0 ? '' : '\r\n'
    return latin1(`${before}--${boundary}\r\n${typeLine}Content-Range: bytes ${start}-${end}/${length}\r\n\r\n`)
  })
  const closing = latin1(`\r\n--${boundary}--\r\n`)
  const sizes = [...preambles.map((text) => text.length), ...ranges.map(({ start, end }) => end - start + 1), closing.length]
  headers.set('Content-Type', `multipart/byteranges; boundary=${boundary}`)
  headers.set('Content-Length', String(sizes.reduce((sum, size) => sum + size, 0)))
  return { preambles, closing }
}

// As header fields are written: each character is a byte.
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')
