import type { StoredEntry } from '@gatelet/cache'
import { GatewayError } from '@gatelet/core'
import { chunkedBody } from './chunked-body.ts'
import type { Link } from './link.ts'
import { chunkOf } from './names.ts'

/** How long a chunk is kept whose entry is not committed, in milliseconds. */
const WRITING_MS = 300_000

/** Bodies in Redis, in chunks of their own. */
export class Chunks {
  private readonly link: Link
  private readonly maxPendingBytes: number
  private pending = 0

  /** @param maxPendingBytes of all bodies together that are on their way */
  constructor(link: Link, maxPendingBytes: number) {
    this.link = link
    this.maxPendingBytes = maxPendingBytes
  }

  /** Counts bytes that are on their way. @returns false when there are too many */
  reserve(bytes: number): boolean {
    if (this.pending + bytes > this.maxPendingBytes) return false
    this.pending += bytes
    return true
  }

  /** Sends a chunk, of which each byte was reserved, and counts it no more once it is there. Rejects when it did not come. */
  async send(name: string, chunk: Buffer): Promise<void> {
    try {
      await this.link.tell((server) => server.sendBytes('SET', name, [chunk, 'PX', String(WRITING_MS)]))
    } finally {
      this.pending -= chunk.byteLength
    }
  }

  /** A body is given up. @param unsent bytes that were reserved, and not sent */
  drop(shelf: string, id: string, unsent: number, chunks: number): void {
    this.pending -= unsent
    // Those that are not removed now expire.
    if (!this.link.isAvailable) return
    for (let place = 0; place < chunks; place++)
      this.link.tell((server) => server.send('UNLINK', chunkOf(shelf, id, place))).catch(() => {})
  }

  /** The body of an entry, which breaks off where a chunk is not there any more. */
  bodyOf(shelf: string, id: string, bytes: number): StoredEntry['body'] {
    const read = (place: number, length: number) => this.read(chunkOf(shelf, id, place), length)
    return (range) => (bytes === 0 ? null : chunkedBody(range ?? { start: 0, end: bytes - 1 }, bytes, read))
  }

  private async read(name: string, bytes: number): Promise<Uint8Array> {
    const chunk = await this.link.ask((server) => server.sendBytes('GET', name, []).catch(orNothing))
    if (Buffer.isBuffer(chunk) && chunk.byteLength === bytes) return chunk
    throw new GatewayError('STORE_UNAVAILABLE', { message: 'redis: a part of a stored body is not there any more' })
  }
}

/** What somebody else has put there is no failure of Redis. */
function orNothing(error: unknown): readonly [] {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return []
  throw error
}
