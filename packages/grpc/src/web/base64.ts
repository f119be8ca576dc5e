import { GatewayError } from '@gatelet/core'

const alphabet = /^[A-Za-z0-9+/]*={0,2}$/

/**
 * Decodes base64 that comes in any pieces and may be padded anywhere, since clients of gRPC-Web encode each message for itself.
 */
export class Base64Reader {
  private rest = ''

  /** @throws GatewayError `MALFORMED_BODY` */
  push(chunk: Uint8Array): Uint8Array {
    const text = this.rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
    const whole = text.length - (text.length % 4)
    this.rest = text.slice(whole)
    return decoded(text.slice(0, whole))
  }

  /** Nothing more comes. @throws GatewayError `MALFORMED_BODY` */
  end(): void {
    if (this.rest !== '') throw malformed()
  }
}

function decoded(text: string): Uint8Array {
  const parts: Uint8Array[] = []
  for (let from = 0; from < text.length; ) {
    // Groups of four begin at multiples of four; one with padding ends a part.
    const padding = text.indexOf('=', from)
    const to = padding < 0 ? text.length : padding - (padding % 4) + 4
    parts.push(decodedPart(text.slice(from, to)))
    from = to
  }
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
}

function decodedPart(part: string): Uint8Array {
  if (part.length % 4 !== 0 || !alphabet.test(part)) throw malformed()
  return Buffer.from(part, 'base64')
}

/** Encodes bytes that come in pieces, in groups of three, so that the whole is one text without padding in the middle. */
export class Base64Writer {
  private rest: Uint8Array = new Uint8Array(0)

  push(chunk: Uint8Array): Uint8Array | null {
    const bytes = this.rest.byteLength === 0 ? Buffer.from(chunk) : Buffer.concat([this.rest, chunk])
    const whole = bytes.byteLength - (bytes.byteLength % 3)
    this.rest = bytes.subarray(whole)
    return whole === 0 ? null : Buffer.from(bytes.subarray(0, whole).toString('base64'), 'latin1')
  }

  /** What is left, padded. */
  end(): Uint8Array | null {
    const { rest } = this
    this.rest = new Uint8Array(0)
    return rest.byteLength === 0 ? null : Buffer.from(Buffer.from(rest).toString('base64'), 'latin1')
  }
}

const malformed = () => new GatewayError('MALFORMED_BODY', { detail: 'The body is not base64' })
