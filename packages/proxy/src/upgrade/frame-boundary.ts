/** Opcodes of frames (RFC 6455 §5.2): those that begin a message, and the Close frame. */
const TEXT = 1
const BINARY = 2
const CLOSE = 8

/**
 * Follows a stream of WebSocket frames (RFC 6455 §5.2) by their heads alone, to know where another frame may be put between two of
 * them. Looks at nothing else: what is wrong with a frame is for its receiver to say.
 */
export class FrameBoundary {
  /** A Close frame has begun: no other may follow it. */
  hasClosed = false
  /** Messages that have begun. */
  messages = 0
  /** A length of 2^53 or more: where the next frame begins is not known any more. */
  isLost = false
  /** Bytes of the frame in hand that are still to come, mask included, when its head is known. */
  private rest = 0
  /** Bytes of the head that are still to come; 0 between frames, and behind a head. */
  private headRest = 0
  /** What the bytes of the length say so far. */
  private length = 0
  private hasMask = false

  /** Whether the stream stands between two frames. */
  get isHere(): boolean {
    return this.rest === 0 && this.headRest === 0 && !this.isLost
  }

  /** Follows all of a chunk. */
  pass(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) at = this.step(chunk, at)
  }

  /** Follows a chunk to the end of the frame in hand. @returns how many bytes that were; all of the chunk where it does not end there */
  passFrame(chunk: Uint8Array): number {
    let at = 0
    while (at < chunk.length && !this.isHere) at = this.step(chunk, at)
    return at
  }

  /** @returns where it goes on */
  private step(chunk: Uint8Array, at: number): number {
    // No frame of ours can end a stream that is not understood.
    if (this.isLost) return chunk.length
    if (this.headRest > 0) return this.readHead(chunk[at] as number, at)
    if (this.rest === 0) return this.begin(chunk[at] as number, at)
    const passed = Math.min(this.rest, chunk.length - at)
    this.rest -= passed
    return at + passed
  }

  private begin(first: number, at: number): number {
    const opcode = first & 15
    if (opcode === CLOSE) this.hasClosed = true
    else if (opcode === TEXT || opcode === BINARY) this.messages++
    this.length = -1
    this.headRest = 1
    return at + 1
  }

  private readHead(byte: number, at: number): number {
    this.headRest--
    if (this.length < 0) this.readShortLength(byte)
    else this.length = this.length * 256 + byte
    if (this.headRest === 0) this.rest = this.length + (this.hasMask ? 4 : 0)
    if (this.rest > Number.MAX_SAFE_INTEGER) this.isLost = true
    return at + 1
  }

  private readShortLength(byte: number): void {
    const length = byte & 127
    this.hasMask = byte > 127
    this.length = length < 126 ? length : 0
    if (length >= 126) this.headRest = length === 126 ? 2 : 8
  }
}

/** A Close frame of a server, without a reason. @param code RFC 6455 §7.4 */
export function closeFrame(code: number): Buffer {
  return Buffer.from([0x80 | CLOSE, 2, code >> 8, code & 255])
}
