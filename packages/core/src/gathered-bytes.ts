// So many chunks in a row are made one where they are small: each costs an object, and keeps the block that it was cut from.
const RUN = 128
const SMALL_RUN_BYTES = 131_072

/**
 * Bytes that come in chunks and are wanted as one. What it holds is about what has come, however small the chunks are: a client may
 * send a byte a chunk, and a plain list of such takes a hundred times their size.
 */
export class GatheredBytes {
  /** Bytes that were added since the last `take`. */
  size = 0
  private parts: Uint8Array[] = []
  private runFrom = 0
  private runBytes = 0

  add(chunk: Uint8Array): void {
    this.size += chunk.byteLength
    this.runBytes += chunk.byteLength
    this.parts.push(chunk)
    if (this.parts.length - this.runFrom >= RUN) this.endRun()
  }

  /** All that was added, in one; from here on there is nothing. */
  take(): Uint8Array {
    const { parts, size } = this
    this.parts = []
    this.size = this.runFrom = this.runBytes = 0
    return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts, size)
  }

  private endRun(): void {
    if (this.runBytes < SMALL_RUN_BYTES) this.parts.push(Buffer.concat(this.parts.splice(this.runFrom), this.runBytes))
    this.runFrom = this.parts.length
    this.runBytes = 0
  }
}
