import { randomUUID } from 'node:crypto'
import { type Policy, type PurgeSelector, type StoredEntry, type StoredMeta, usefulMs } from '@gatelet/cache'
import { GatewayError } from '@gatelet/core'
import { type RedisClient, textOf } from '../client.ts'
import { commitScript, lookUpScript, purgeScript, touchScript } from './cache-scripts.ts'
import { Chunks } from './chunks.ts'
import { Link, type LinkInit } from './link.ts'
import { chunkOf, markOf, shelfOf } from './names.ts'
import { type OwedPurge, OwedPurges } from './owed-purges.ts'
import { PurgeIndex, type PurgeIndexInit } from './purge-index.ts'
import { type CacheRecord, chunksOf, decode, encode } from './record.ts'
import type { RedisCacheStore } from './redis-cache-store.ts'
import { RedisWriter } from './redis-writer.ts'
import { Settling } from './settling.ts'

/** Options of a store in Redis, all of them. */
export interface CacheInRedisInit extends LinkInit, PurgeIndexInit {
  readonly maxEntryBytes: number
  readonly maxPendingBytes: number
  readonly maxVariants: number
  readonly policy: Policy
}

/**
 * Replies in Redis. The entries of a key, and their bodies, are in the slot of that key; what they are purged by, an index of
 * keys and of tags, is in a slot of its own, which look-ups do not need. An entry is entered there before it is visible, and a
 * purge is noted there before it looks for entries: whichever comes first, none is missed.
 */
export class CacheInRedis implements RedisCacheStore {
  private readonly init: CacheInRedisInit
  private readonly link: Link
  private readonly chunks: Chunks
  private readonly index: PurgeIndex
  private readonly purges: Settling<number>
  // Entries of which Redis has not said yet how many purges there were before: clients of clusters keep no order.
  private readonly opening = new Set<Opening>()

  constructor(client: RedisClient, init: CacheInRedisInit) {
    this.init = init
    this.link = new Link(client, init)
    this.chunks = new Chunks(this.link, init.maxPendingBytes)
    this.index = new PurgeIndex(this.link, init)
    this.purges = new Settling({ clock: init.clock, work: (purge) => this.purgeNow(purge) })
  }

  get isAvailable(): boolean {
    return this.link.isAvailable
  }

  async get(key: string, { signal }: { signal?: AbortSignal } = {}): Promise<readonly StoredEntry[]> {
    const shelf = this.shelfOf(key)
    try {
      const texts = await this.link.ask((server) => lookUpScript.run(server, [shelf], []), signal)
      const records = Array.isArray(texts) ? texts.map((text) => decode(textOf(text), key)) : []
      return records.flatMap((record) => (record ? this.believed(record) : [])).map((record) => this.entryOf(shelf, record))
    } catch (error) {
      // Told by the breaker. Whoever asked goes to the upstream.
      if (isAway(error)) return []
      throw error
    }
  }

  open(key: string, variant: string, meta: StoredMeta): RedisWriter | undefined {
    const { maxEntryBytes } = this.init
    if ((meta.bodyBytes ?? 0) > maxEntryBytes || !this.isAvailable) return undefined
    const [shelf, id, opening] = [this.shelfOf(key), randomUUID(), this.opened()]
    return new RedisWriter(meta, {
      maxBytes: maxEntryBytes,
      reserve: (bytes) => this.chunks.reserve(bytes),
      send: (place, chunk) => this.chunks.send(chunkOf(shelf, id, place), chunk),
      commit: (last, bodyBytes) => this.commit(shelf, { key, variant, id, meta: { ...last, bodyBytes } }, opening),
      drop: (unsent, chunks) => this.chunks.drop(shelf, id, unsent, chunks),
    })
  }

  async touch(key: string, entry: StoredEntry, given: StoredMeta): Promise<void> {
    const meta = { ...given, bodyBytes: entry.meta.bodyBytes ?? 0 }
    const record = this.recordOf({ key, variant: entry.variant, id: entry.id, meta })
    const ttl = record.until - this.init.clock.date()
    // Entered for its new tags and its new end, whatever was purged meanwhile: the entry itself remembers that.
    if (ttl <= 0 || !(await this.index.enter(record, -1)).isFree) return
    const seen = String(entry.meta.softPurgedAt ?? 0)
    await this.link.run(touchScript, [this.shelfOf(key)], [entry.variant, entry.id, encode(record), String(ttl), seen])
  }

  purge(selector: PurgeSelector, { soft = false }: { soft?: boolean } = {}): Promise<number> {
    const softAt = soft ? Math.floor(this.init.clock.date()) : undefined
    for (const opening of this.opening) {
      opening.missed ??= new OwedPurges()
      opening.missed.note(selector, softAt)
    }
    return this.purges.purge(selector, softAt)
  }

  onPurged(listener: (selector: PurgeSelector, soft: boolean) => void): () => void {
    return this.purges.onSettled(listener)
  }

  async close(): Promise<void> {
    this.purges.close()
  }

  private async purgeNow({ selector, softAt = 0 }: OwedPurge): Promise<number> {
    const number = await this.index.note(selector, softAt)
    const args = [String(number), String(softAt), ...('tag' in selector ? ['1', selector.tag] : ['0', ''])]
    const purgeKey = (key: string) => {
      const shelf = this.shelfOf(key)
      return this.link.run(purgeScript, [shelf, markOf(shelf)], args)
    }
    let purged = 0
    for await (const keys of this.index.keysOf(selector))
      for (const count of await inTurns(keys, purgeKey)) purged += Number(count)
    return purged
  }

  /** A record as it is by now, if it is still of use. */
  private believed(record: CacheRecord): readonly CacheRecord[] {
    const { key, meta, until } = record
    const softAt = this.purges.of(key, meta.tags)
    if (softAt === 'gone' || until <= this.init.clock.date()) return []
    return softAt === undefined ? [record] : [{ ...record, meta: { softPurgedAt: softAt, ...meta } }]
  }

  private opened(): Opening {
    const before = this.index.count().finally(() => this.opening.delete(opening))
    const opening: Opening = { before, missed: undefined }
    this.opening.add(opening)
    // Looked at when it is committed, which may never be.
    before.catch(() => {})
    return opening
  }

  private async commit(shelf: string, entry: Written, opening: Opening): Promise<boolean> {
    const before = await opening.before
    const entered = await this.index.enter(this.recordOf(entry), before)
    const missedAt = opening.missed?.of(entry.key, entry.meta.tags)
    const softAt = entered.softAt || missedAt
    const soft = typeof softAt === 'number' ? { softPurgedAt: softAt } : {}
    const record = this.recordOf({ ...entry, meta: { ...entry.meta, ...soft } })
    const { maxVariants, clock } = this.init
    const now = clock.date()
    const chunks = chunksOf(entry.meta.bodyBytes)
    if (!entered.isFree || missedAt === 'gone' || record.until <= now) {
      this.chunks.drop(shelf, entry.id, 0, chunks)
      return false
    }
    const keys = [shelf, markOf(shelf), ...Array.from({ length: chunks }, (_, place) => chunkOf(shelf, entry.id, place))]
    const numbers = [record.until - now, maxVariants, Math.floor(now), entered.count].map(String)
    return Number(await this.link.run(commitScript, keys, [entry.variant, encode(record), ...numbers])) === 1
  }

  private recordOf(entry: Written): CacheRecord {
    const until = Math.floor(entry.meta.responseTimeMs + usefulMs(entry.meta, this.init.policy))
    return { ...entry, until: Math.max(0, until), storedAt: Math.floor(this.init.clock.date()) }
  }

  private entryOf(shelf: string, { id, variant, meta }: CacheRecord): StoredEntry {
    return { id, variant, meta, body: this.chunks.bodyOf(shelf, id, meta.bodyBytes) }
  }

  private shelfOf(key: string): string {
    return shelfOf(this.init.prefix, key)
  }
}

type Written = Pick<CacheRecord, 'key' | 'variant' | 'id' | 'meta'>

interface Opening {
  /** How many purges there were before. */
  readonly before: Promise<number>
  /** Purges that began in this process until that is known. */
  missed: OwedPurges | undefined
}

/** So many at the same time: Redis has others to serve. */
const AT_ONCE = 50

async function inTurns<T>(keys: readonly string[], work: (key: string) => Promise<T>): Promise<readonly T[]> {
  const done: T[] = []
  for (let at = 0; at < keys.length; at += AT_ONCE) done.push(...(await Promise.all(keys.slice(at, at + AT_ONCE).map(work))))
  return done
}

const isAway = (error: unknown) =>
  error instanceof GatewayError && (error.code === 'STORE_UNAVAILABLE' || error.code === 'STORE_TIMEOUT')
