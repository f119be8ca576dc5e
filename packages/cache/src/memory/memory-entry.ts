import type { Body } from '@gatelet/core'
import type { ByteRange, StoredMeta } from '../policy/types.ts'
import type { StoredEntry } from '../store.ts'
import { bodyOfBlocks } from './blocks.ts'

/** One reply in memory, never changed in place. Its body is one buffer up to 64 KiB, which answers at once, else several. */
export class MemoryEntry implements StoredEntry {
  readonly id: string
  readonly variant: string
  readonly meta: StoredMeta
  readonly blocks: readonly Buffer[]
  readonly bodyBytes: number
  /** When it is of no use any more, in wall-clock milliseconds. */
  readonly until: number
  /** Bytes of memory that it takes. */
  readonly cost: number

  constructor(
    { id, variant, blocks, bodyBytes }: Pick<MemoryEntry, 'id' | 'variant' | 'blocks' | 'bodyBytes'>,
    meta: StoredMeta,
    until: number,
    cost: number,
  ) {
    this.id = id
    this.variant = variant
    this.meta = meta
    this.blocks = blocks
    this.bodyBytes = bodyBytes
    this.until = until
    this.cost = cost
  }

  body(range?: ByteRange): Body {
    const [first] = this.blocks
    if (!first) return null
    const last = this.bodyBytes - 1
    // Nobody asks for more than there is; if they do, they get less.
    if (this.blocks.length > 1)
      return bodyOfBlocks(this.blocks, { start: range?.start ?? 0, end: Math.min(range?.end ?? last, last) })
    return range ? first.subarray(range.start, range.end + 1) : first
  }
}
