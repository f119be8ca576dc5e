import assert from 'node:assert/strict'
import type { ByteRange, CacheStore, EntryWriter, StoredEntry, StoredMeta } from '@gatelet/cache'
import { bytesOf } from '@gatelet/core'

/** A store of replies, and what it was started with. */
export interface StartedCacheStore {
  readonly store: CacheStore
  /** Bytes of the longest body that it takes, at least 200,000. */
  readonly maxEntryBytes: number
  /** How many entries of one key it keeps at most. */
  readonly maxVariants: number
  /** What time it is for the store, in milliseconds since 1970. Default: that of the machine. */
  date?(): number
  /** Closes what was started with it. Awaited. */
  close?(): unknown
}

/** Starts a store for each case. It may share what is behind it with others: they use other keys. Those who purge all do not. */
export type StartCacheStore = () => StartedCacheStore | Promise<StartedCacheStore>

let scenes = 0

/** A store at work, with keys and tags that no other case has. */
export class Scene {
  readonly store: CacheStore
  readonly maxEntryBytes: number
  readonly maxVariants: number
  private readonly date: () => number
  private readonly name = `${process.pid}-${scenes++}`

  private constructor({ store, maxEntryBytes, maxVariants, date = Date.now }: StartedCacheStore) {
    this.store = store
    this.maxEntryBytes = maxEntryBytes
    this.maxVariants = maxVariants
    this.date = date
  }

  /** Runs one case with a store of its own. */
  static async with(start: StartCacheStore, body: (scene: Scene) => Promise<void>): Promise<void> {
    const started = await start()
    try {
      await body(new Scene(started))
    } finally {
      await started.close?.()
    }
  }

  key(path = ''): string {
    return `http://case-${this.name}.example/${path}`
  }

  tag(name: string): string {
    return `${name}-${this.name}`
  }

  /** Meta data of a reply that has just come, and stays fresh for an hour. */
  meta(more: Partial<StoredMeta> = {}): StoredMeta {
    const now = this.date()
    return Object.freeze({
      url: this.key(),
      status: 200,
      headers: Object.freeze(['Cache-Control', 'max-age=3600', 'ETag', '"1"']) as readonly string[],
      requestHeaders: Object.freeze({}),
      tags: Object.freeze([]) as readonly string[],
      requestTimeMs: now - 5,
      responseTimeMs: now,
      ...more,
    })
  }

  open(key: string, meta: StoredMeta = this.meta(), variant = ''): EntryWriter {
    const writer = this.store.open(key, variant, meta)
    assert.ok(writer, 'the store took no entry')
    return writer
  }

  /** Stores a body, in pieces of at most 30,000 bytes. */
  async put(
    key: string,
    body: string | Uint8Array,
    { variant = '', ...more }: Partial<StoredMeta> & { variant?: string } = {},
  ): Promise<void> {
    const writer = this.open(key, this.meta(more), variant)
    const bytes = Buffer.from(body)
    for (let at = 0; at < bytes.byteLength; at += 30_000)
      assert.equal(writer.write(bytes.subarray(at, at + 30_000)), true, 'write() gave up')
    assert.equal(await writer.commit(), true, 'commit() did not store it')
  }

  async entries(key: string): Promise<readonly StoredEntry[]> {
    return await this.store.get(key)
  }

  /** The one entry that a key must have. */
  async entry(key: string): Promise<StoredEntry> {
    const entries = await this.entries(key)
    assert.equal(entries.length, 1, `${entries.length} entries instead of 1`)
    return entries[0] as StoredEntry
  }

  /** The bodies of a key, in order. */
  async bodies(key: string): Promise<readonly string[]> {
    const bodies = await Promise.all((await this.entries(key)).map((entry) => textOf(entry)))
    return bodies.sort()
  }

  async purge(...args: Parameters<CacheStore['purge']>): Promise<number> {
    return await this.store.purge(...args)
  }
}

export async function bufferOf(entry: StoredEntry, range?: ByteRange): Promise<Buffer> {
  return Buffer.from(await bytesOf(entry.body(range), 1e9))
}

export async function textOf(entry: StoredEntry): Promise<string> {
  return (await bufferOf(entry)).toString()
}
