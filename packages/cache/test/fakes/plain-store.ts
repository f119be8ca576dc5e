import type { ByteRange, CacheStore, EntryWriter, PurgeSelector, StoredEntry, StoredMeta } from '@gatelet/cache'

/** A store of a few lines, without bounds. */
export class PlainStore implements CacheStore {
  readonly entries: Map<string, PlainEntry[]> = new Map()
  /** Entries that are being written. */
  readonly open_: Set<PlainWriter> = new Set()

  get(key: string): readonly StoredEntry[] {
    return this.entries.get(key) ?? []
  }

  open(key: string, variant: string, meta: StoredMeta): EntryWriter | undefined {
    const writer = new PlainWriter(this, key, variant, meta)
    this.open_.add(writer)
    return writer
  }

  touch(key: string, entry: StoredEntry, meta: StoredMeta): void {
    const found = this.entries.get(key)?.find(({ id }) => id === entry.id)
    if (found) found.meta = { ...meta, bodyBytes: found.bytes.byteLength }
  }

  purge(selector: PurgeSelector, { soft = false }: { soft?: boolean } = {}): number {
    for (const writer of this.open_) if (matches(selector, writer.key, writer.meta)) writer.abort()
    let count = 0
    for (const [key, entries] of this.entries) {
      const chosen = entries.filter(({ meta }) => matches(selector, key, meta))
      count += chosen.length
      if (soft) for (const entry of chosen) entry.meta = { ...entry.meta, softPurgedAt: 0 }
      else
        this.entries.set(
          key,
          entries.filter((entry) => !chosen.includes(entry)),
        )
    }
    return count
  }

  /** Urls of what is stored. */
  get urls(): string[] {
    return [...this.entries.values()].flat().map(({ meta }) => meta.url)
  }
}

let ids = 0

class PlainEntry implements StoredEntry {
  readonly id: string = String(ids++)
  readonly variant: string
  meta: StoredMeta
  readonly bytes: Buffer

  constructor(variant: string, meta: StoredMeta, bytes: Buffer) {
    this.variant = variant
    this.meta = { ...meta, bodyBytes: bytes.byteLength }
    this.bytes = bytes
  }

  body(range?: ByteRange): Uint8Array {
    return range ? this.bytes.subarray(range.start, range.end + 1) : this.bytes
  }
}

class PlainWriter implements EntryWriter {
  readonly key: string
  readonly meta: StoredMeta
  private readonly store: PlainStore
  private readonly variant: string
  private readonly chunks: Uint8Array[] = []

  constructor(store: PlainStore, key: string, variant: string, meta: StoredMeta) {
    this.store = store
    this.key = key
    this.variant = variant
    this.meta = meta
  }

  write(chunk: Uint8Array): boolean {
    this.chunks.push(chunk)
    return this.store.open_.has(this)
  }

  commit(meta: StoredMeta = this.meta): boolean {
    if (!this.store.open_.delete(this)) return false
    const others = (this.store.entries.get(this.key) ?? []).filter(({ variant }) => variant !== this.variant)
    this.store.entries.set(this.key, [...others, new PlainEntry(this.variant, meta, Buffer.concat(this.chunks))])
    return true
  }

  abort(): void {
    this.store.open_.delete(this)
  }
}

function matches(selector: PurgeSelector, key: string, meta: StoredMeta): boolean {
  if ('key' in selector) return key === selector.key
  if ('prefix' in selector) return key.startsWith(selector.prefix)
  return 'tag' in selector ? meta.tags.includes(selector.tag) : true
}
