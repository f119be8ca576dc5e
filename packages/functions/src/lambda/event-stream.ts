import { crc32 } from 'node:zlib'
import { GatewayError } from '@gatelet/core'

/** One message of `application/vnd.amazon.eventstream`. */
export interface StreamMessage {
  /** Those that are text. */
  readonly headers: Readonly<Record<string, string>>
  readonly payload: Uint8Array
}

// What Amazon allows for one message.
const MAX_MESSAGE_BYTES = 16_777_216
const PRELUDE_BYTES = 12
const CRC_BYTES = 4

/**
 * Reads messages wherever the chunks have their borders: total length, length of the headers, their checksum, headers, payload,
 * checksum of it all.
 * @throws GatewayError `UPSTREAM_BAD_RESPONSE` for what is not framed so, and for an end within a message
 */
export async function* messagesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamMessage, void, undefined> {
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    held = held.byteLength === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk])
    for (;;) {
      const length = lengthOf(held)
      if (length === undefined || held.byteLength < length) break
      yield messageIn(held.subarray(0, length))
      held = held.subarray(length)
    }
  }
  if (held.byteLength > 0) throw bad('it ended within a message')
}

function lengthOf(held: Buffer): number | undefined {
  if (held.byteLength < PRELUDE_BYTES) return undefined
  const length = held.readUInt32BE(0)
  if (crc32(held.subarray(0, 8)) !== held.readUInt32BE(8)) throw bad('a checksum is wrong')
  if (length < PRELUDE_BYTES + CRC_BYTES || length > MAX_MESSAGE_BYTES) throw bad('a length is none')
  return length
}

function messageIn(message: Buffer): StreamMessage {
  const end = message.byteLength - CRC_BYTES
  if (crc32(message.subarray(0, end)) !== message.readUInt32BE(end)) throw bad('a checksum is wrong')
  const payloadAt = PRELUDE_BYTES + message.readUInt32BE(4)
  if (payloadAt > end) throw bad('its headers are longer than it')
  return { headers: headersIn(message.subarray(PRELUDE_BYTES, payloadAt)), payload: message.subarray(payloadAt, end) }
}

// Bytes of the value of each type; `undefined` where two bytes in front of it say so.
const sizes: readonly (number | undefined)[] = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16]
const TEXT = 7

function headersIn(bytes: Buffer): Record<string, string> {
  const headers: Record<string, string> = Object.create(null)
  let at = 0
  try {
    while (at < bytes.byteLength) {
      const nameEnd = at + 1 + bytes.readUInt8(at)
      const type = bytes.readUInt8(nameEnd)
      if (type >= sizes.length) throw bad('a header has an unknown type')
      const size = sizes[type]
      const valueAt = nameEnd + 1 + (size === undefined ? 2 : 0)
      const valueEnd = valueAt + (size ?? bytes.readUInt16BE(nameEnd + 1))
      if (valueEnd > bytes.byteLength) throw bad('a header is longer than its place')
      if (type === TEXT) headers[bytes.toString('utf8', at + 1, nameEnd)] = bytes.toString('utf8', valueAt, valueEnd)
      at = valueEnd
    }
  } catch (cause) {
    throw cause instanceof GatewayError ? cause : bad('a header is longer than its place')
  }
  return headers
}

const bad = (why: string) =>
  new GatewayError('UPSTREAM_BAD_RESPONSE', { message: `the event stream of the function cannot be read: ${why}` })
