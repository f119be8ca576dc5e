import type { Clock } from '@gatelet/core'
import { LRUCache } from 'lru-cache'
import type { Policy } from '../policy/options.ts'
import { usefulMs } from '../policy/remaining.ts'
import type { StoredMeta } from '../policy/types.ts'
import type { PurgeSelector, StoredEntry } from '../store.ts'
import { costOfEntry, KEY_COST } from './cost.ts'
import type { MemoryCacheStore } from './memory-cache-store.ts'
import { MemoryEntry } from './memory-entry.ts'
import { MemoryWriter, type Written } from './memory-writer.ts'
import { PurgeLog } from './purge-log.ts'
import { softly } from './softly.ts'
import { TagIndex } from './tag-index.ts'

/** Options of a memory store, all of them. */
export interface MemoryInit {
  readonly maxBytes: number
  readonly maxEntryBytes: number
  readonly maxVariants: number
  readonly policy: Policy
  readonly clock: Clock
}

/** What is stored under a key, never changed in place. The oldest first. */
interface Shelf {
  readonly entries: readonly MemoryEntry[]
  readonly bytes: number
}

/** Replies in memory. Those of one key are one item of the LRU: who asks for a key is shown all of them. */
export class MemoryCache implements MemoryCacheStore {
  private readonly init: MemoryInit
  private readonly shelves: LRUCache<string, Shelf>
  private readonly tags = new TagIndex()
  private readonly log = new PurgeLog()
  // Bytes of entries that are being written.
  private reserved = 0
  private ids = 0
  private sweep: Iterator<string> | undefined

  constructor(init: MemoryInit) {
    this.init = init
    this.shelves = new LRUCache<string, Shelf>({
      maxSize: init.maxBytes,
      sizeCalculation: ({ bytes }) => bytes,
      dispose: ({ entries }, key) => this.tags.remove(key, entries),
    })
  }

  get bytes(): number {
    return this.shelves.calculatedSize + this.reserved
  }

  get keys(): number {
    return this.shelves.size
  }

  get(key: string): readonly StoredEntry[] {
    const shelf = this.shelves.get(key)
    if (!shelf) return []
    const now = this.init.clock.date()
    return shelf.entries.every(({ until }) => until > now) ? shelf.entries : this.usefulOf(key, shelf, now)
  }

  open(key: string, variant: string, meta: StoredMeta): MemoryWriter | undefined {
    const cost = KEY_COST + costOfEntry(key, variant, meta)
    if ((meta.bodyBytes ?? 0) > this.init.maxEntryBytes || !this.reserve(cost)) return undefined
    const since = this.log.begin()
    return new MemoryWriter(meta, {
      maxBytes: this.init.maxEntryBytes,
      reserve: (bytes) => this.reserve(bytes),
      over: (bytes, written) => {
        this.reserved -= cost + bytes
        const isStored = written !== undefined && this.store(key, variant, written, since)
        this.log.end()
        return isStored
      },
    })
  }

  touch(key: string, { id, meta: seen }: StoredEntry, meta: StoredMeta): void {
    const entries = this.shelves.peek(key)?.entries ?? []
    const old = entries.find((entry) => entry.id === id)
    if (!old) return
    const { softPurgedAt } = old.meta
    // Purged softly after it was read: what renews it may be older than the reason.
    const isOutdated = softPurgedAt !== undefined && softPurgedAt !== seen.softPurgedAt
    const renewed = this.entry(key, old, isOutdated ? softly(meta, softPurgedAt) : meta)
    this.put(
      key,
      entries.map((entry) => (entry === old ? renewed : entry)),
    )
  }

  purge(selector: PurgeSelector, { soft = false }: { soft?: boolean } = {}): number {
    const softAt = soft ? this.init.clock.date() : undefined
    this.log.note(selector, softAt)
    let purged = 0
    for (const key of this.keysOf(selector)) purged += this.purgeKey(key, selector, softAt)
    return purged
  }

  async close(): Promise<void> {
    this.shelves.clear()
  }

  private keysOf(selector: PurgeSelector): readonly string[] {
    if ('key' in selector) return [selector.key]
    if ('tag' in selector) return this.tags.keysOf(selector.tag)
    // From the oldest on: what stays, softly purged, stays in this order.
    const keys = [...this.shelves.rkeys()]
    return 'prefix' in selector ? keys.filter((key) => key.startsWith(selector.prefix)) : keys
  }

  private purgeKey(key: string, selector: PurgeSelector, softAt: number | undefined): number {
    const entries = this.shelves.peek(key)?.entries ?? []
    const isMeant = ({ meta }: MemoryEntry) => !('tag' in selector) || meta.tags.includes(selector.tag)
    const meant = entries.filter(isMeant)
    if (meant.length === 0) return 0
    const left = softAt === undefined ? [] : meant.map((entry) => this.entry(key, entry, softly(entry.meta, softAt)))
    this.put(
      key,
      entries.flatMap((entry) => (isMeant(entry) ? (left[meant.indexOf(entry)] ?? []) : entry)),
    )
    return meant.length
  }

  private store(key: string, variant: string, { meta, blocks, bytes }: Written, since: number): boolean {
    this.sweepSome()
    const verdict = this.log.since(since, key, meta.tags)
    if (verdict === 'gone') return false
    const shown = verdict === undefined ? meta : softly(meta, verdict)
    const entry = this.entry(key, { id: `${++this.ids}`, variant, blocks, bodyBytes: bytes }, shown)
    if (entry.until <= this.init.clock.date()) return false
    const others = (this.shelves.peek(key)?.entries ?? []).filter((other) => other.variant !== variant)
    this.put(key, this.fitting([...others, entry]))
    return this.shelves.peek(key)?.entries.at(-1) === entry
  }

  private entry(key: string, of: Pick<MemoryEntry, 'id' | 'variant' | 'blocks' | 'bodyBytes'>, given: StoredMeta): MemoryEntry {
    const meta = { ...given, bodyBytes: of.bodyBytes }
    // By a copy: what is found out about meta data is kept with them, once for each policy.
    const until = meta.responseTimeMs + usefulMs({ ...meta }, this.init.policy)
    return new MemoryEntry(of, meta, until, costOfEntry(key, of.variant, meta, of.blocks))
  }

  // One key must not be more than all may be.
  private fitting(entries: readonly MemoryEntry[]): readonly MemoryEntry[] {
    const kept = entries.slice(-this.init.maxVariants)
    while (kept.length > 1 && bytesOf(kept) > this.init.maxBytes - this.reserved) kept.shift()
    return kept
  }

  private put(key: string, entries: readonly MemoryEntry[]): void {
    if (entries.length === 0) {
      this.shelves.delete(key)
      return
    }
    this.shelves.set(key, { entries, bytes: bytesOf(entries) })
    if (this.shelves.has(key)) this.tags.add(key, entries)
    this.makeRoom()
  }

  private usefulOf(key: string, { entries }: Shelf, now: number): readonly MemoryEntry[] {
    const useful = entries.filter(({ until }) => until > now)
    this.put(key, useful)
    return useful
  }

  // At most a half: what is being written must not drive out all that is stored.
  private reserve(bytes: number): boolean {
    if (this.reserved + bytes > this.init.maxBytes / 2) return false
    this.reserved += bytes
    this.makeRoom()
    return true
  }

  private makeRoom(): void {
    while (this.bytes > this.init.maxBytes && this.shelves.size > 0) this.shelves.pop()
  }

  // Two keys for each entry that comes: what nobody asks for any more goes without a timer.
  private sweepSome(): void {
    const now = this.init.clock.date()
    for (let looked = 0; looked < 2; looked++) {
      this.sweep ??= this.shelves.rkeys()
      const { value: key, done } = this.sweep.next()
      if (done) this.sweep = undefined
      const shelf = done ? undefined : this.shelves.peek(key)
      if (shelf?.entries.some(({ until }) => until <= now)) this.usefulOf(key, shelf, now)
    }
  }
}

const bytesOf = (entries: readonly MemoryEntry[]) => entries.reduce((sum, { cost }) => sum + cost, KEY_COST)
