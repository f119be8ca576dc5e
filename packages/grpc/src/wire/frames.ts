import { GatewayError, GatheredBytes } from '@gatelet/core'

/** One message on the wire: a byte of flags, four bytes of length (big endian), the bytes. */
export interface Frame {
  /** Bit 0: compressed. Bit 7, in gRPC-Web: trailers. */
  readonly flags: number
  readonly data: Uint8Array
}

const HEAD_BYTES = 5

/** A message with its prefix. @param flags 0 to 255 */
export function frame(data: Uint8Array, flags = 0): Uint8Array {
  const out = Buffer.allocUnsafe(HEAD_BYTES + data.byteLength)
  out[0] = flags
  out.writeUInt32BE(data.byteLength, 1)
  out.set(data, HEAD_BYTES)
  return out
}

/** Cuts a stream of bytes into messages, however they come. Holds one message at most. */
export class FrameReader {
  private readonly maxBytes: number
  private readonly head: Buffer = Buffer.alloc(HEAD_BYTES)
  private headBytes = 0
  private readonly data = new GatheredBytes()
  private missing = 0

  /** @param maxBytes the longest message that is taken */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** Whether it stands between two messages: the stream may end here. */
  get isBetween(): boolean {
    return this.headBytes === 0
  }

  /**
   * Takes what has come. @param each gets the messages that are whole now, in their order
   * @throws GatewayError `BODY_TOO_LARGE`, before anything of such a message is held
   */
  push(chunk: Uint8Array, each: (frame: Frame) => void): void {
    let at = 0
    while (at < chunk.byteLength) {
      at += this.headBytes < HEAD_BYTES ? this.takeHead(chunk, at) : this.takeData(chunk, at)
      if (this.headBytes === HEAD_BYTES && this.missing === 0) each(this.take())
    }
  }

  private takeHead(chunk: Uint8Array, at: number): number {
    const taken = Math.min(HEAD_BYTES - this.headBytes, chunk.byteLength - at)
    this.head.set(chunk.subarray(at, at + taken), this.headBytes)
    this.headBytes += taken
    if (this.headBytes < HEAD_BYTES) return taken
    this.missing = this.head.readUInt32BE(1)
    if (this.missing > this.maxBytes)
      throw new GatewayError('BODY_TOO_LARGE', { detail: `A message may have ${this.maxBytes} bytes` })
    return taken
  }

  private takeData(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.missing, chunk.byteLength - at)
    this.data.add(chunk.subarray(at, at + taken))
    this.missing -= taken
    return taken
  }

  private take(): Frame {
    this.headBytes = 0
    return { flags: this.head[0] as number, data: this.data.take() }
  }
}
