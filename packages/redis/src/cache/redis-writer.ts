import type { EntryWriter, StoredMeta } from '@gatelet/cache'
import { CHUNK_BYTES } from './record.ts'

/** What a writer needs of its store. */
export interface WriterHost {
  readonly maxBytes: number
  /** Counts bytes that are on their way. @returns false when there are too many */
  reserve(bytes: number): boolean
  /** Sends a chunk, and counts it no more once it is there. Rejects when it did not come. */
  send(place: number, chunk: Buffer): Promise<void>
  commit(meta: StoredMeta, bodyBytes: number): Promise<boolean>
  /** It is given up: bytes that were never sent, and how many chunks were. */
  drop(unsent: number, chunks: number): void
}

/** Sends a body to Redis in chunks as it comes. It never waits: when Redis is slower than the upstream, it gives up. */
export class RedisWriter implements EntryWriter {
  private readonly meta: StoredMeta
  private readonly host: WriterHost
  private readonly sent: Promise<void>[] = []
  private parts: Uint8Array[] = []
  private held = 0
  private bytes = 0
  private state: 'open' | 'committing' | 'over' = 'open'

  constructor(meta: StoredMeta, host: WriterHost) {
    this.meta = meta
    this.host = host
  }

  write(chunk: Uint8Array): boolean {
    if (this.state !== 'open') return false
    this.bytes += chunk.byteLength
    if (this.bytes > this.host.maxBytes || !this.host.reserve(chunk.byteLength)) {
      this.abort()
      return false
    }
    this.parts.push(chunk)
    this.held += chunk.byteLength
    if (this.held >= CHUNK_BYTES) this.flush(false)
    return this.state === 'open'
  }

  async commit(meta: StoredMeta = this.meta): Promise<boolean> {
    if (this.state !== 'open') return false
    this.flush(true)
    this.state = 'committing'
    try {
      await Promise.all(this.sent)
      return await this.host.commit(meta, this.bytes)
    } catch {
      // What is not all there is not stored. That Redis fails is told by who asked it.
      this.host.drop(0, this.sent.length)
      return false
    } finally {
      this.state = 'over'
    }
  }

  abort(): void {
    if (this.state !== 'open') return
    this.state = 'over'
    this.parts = []
    this.host.drop(this.held, this.sent.length)
    this.held = 0
  }

  private flush(isLast: boolean): void {
    // One buffer of its own: what came may be slices of what sockets read into.
    const all = Buffer.concat(this.parts, this.held)
    const end = isLast ? this.held : this.held - (this.held % CHUNK_BYTES)
    for (let at = 0; at < end; at += CHUNK_BYTES) this.send(all.subarray(at, Math.min(at + CHUNK_BYTES, end)))
    this.parts = end < this.held ? [all.subarray(end)] : []
    this.held -= end
  }

  private send(chunk: Buffer): void {
    const sent = this.host.send(this.sent.length, chunk)
    // Heard at once, as it may fail long before the commit.
    sent.then(undefined, () => this.abort())
    this.sent.push(sent)
  }
}
