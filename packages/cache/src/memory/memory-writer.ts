import type { StoredMeta } from '../policy/types.ts'
import type { EntryWriter } from '../store.ts'
import { BLOCK_BYTES } from './blocks.ts'
import { BLOCK_COST } from './cost.ts'

/** An entry that came whole. */
export interface Written {
  readonly meta: StoredMeta
  readonly blocks: readonly Buffer[]
  readonly bytes: number
}

/** What a writer needs of its store. */
export interface WriterHost {
  readonly maxBytes: number
  /** Takes bytes of memory. @returns false when there are not so many */
  reserve(bytes: number): boolean
  /** Called once. @param bytes that were reserved, which are free now. @returns whether it is stored */
  over(bytes: number, written: Written | undefined): boolean
}

/**
 * Copies a body into memory of its own. What comes are slices of what sockets read into: a few bytes that are kept would hold
 * all of that.
 */
export class MemoryWriter implements EntryWriter {
  private readonly meta: StoredMeta
  private readonly host: WriterHost
  private readonly blocks: Buffer[] = []
  private last: Buffer | undefined
  // Bytes of `last` that are written.
  private used = 0
  private bytes = 0
  private reserved = 0
  private isOver = false

  constructor(meta: StoredMeta, host: WriterHost) {
    this.meta = meta
    this.host = host
  }

  write(chunk: Uint8Array): boolean {
    if (this.isOver) return false
    if (this.bytes + chunk.byteLength <= this.host.maxBytes && this.append(chunk)) return true
    this.abort()
    return false
  }

  commit(meta: StoredMeta = this.meta): boolean {
    if (this.isOver) return false
    return this.finish({ meta, blocks: this.closed(), bytes: this.bytes })
  }

  abort(): void {
    if (!this.isOver) this.finish(undefined)
  }

  private finish(written: Written | undefined): boolean {
    this.isOver = true
    this.blocks.length = 0
    this.last = undefined
    return this.host.over(this.reserved, written)
  }

  private append(chunk: Uint8Array): boolean {
    let at = 0
    while (at < chunk.byteLength) {
      const block = this.last ?? this.begin(chunk.byteLength - at)
      if (!block) return false
      const taken = Math.min(block.byteLength - this.used, chunk.byteLength - at)
      block.set(chunk.subarray(at, at + taken), this.used)
      at += taken
      this.used += taken
      this.bytes += taken
      if (this.used === block.byteLength) this.end(block)
    }
    return true
  }

  private begin(coming: number): Buffer | undefined {
    // As much as is announced, else as much again as there is: few blocks, and no byte too many for most bodies.
    const wanted = Math.max(coming, (this.meta.bodyBytes ?? 2 * this.bytes) - this.bytes)
    const size = Math.min(BLOCK_BYTES, wanted, BLOCK_BYTES - (this.bytes % BLOCK_BYTES))
    if (!this.host.reserve(size + BLOCK_COST)) return undefined
    this.reserved += size + BLOCK_COST
    this.last = Buffer.allocUnsafeSlow(size)
    return this.last
  }

  private end(block: Buffer): void {
    this.blocks.push(block)
    this.last = undefined
    this.used = 0
    if (this.bytes % BLOCK_BYTES === 0) this.join()
  }

  /** The blocks, the last one cut to what is written. */
  private closed(): readonly Buffer[] {
    if (this.last && this.used > 0) this.blocks.push(this.last.subarray(0, this.used))
    this.join()
    return [...this.blocks]
  }

  // What is not a block of full size yet becomes one buffer of its own.
  private join(): void {
    const from = Math.floor((this.bytes - 1) / BLOCK_BYTES)
    const parts = this.blocks.slice(from)
    const [first] = parts
    if (!first || (parts.length === 1 && first.byteLength === first.buffer.byteLength)) return
    const whole = Buffer.allocUnsafeSlow(parts.reduce((sum, { byteLength }) => sum + byteLength, 0))
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.byteLength
    }
    this.blocks.splice(from, parts.length, whole)
  }
}
