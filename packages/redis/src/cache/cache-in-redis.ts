import { createHash, randomUUID } from 'node:crypto'
import { type Policy, type PurgeSelector, type StoredEntry, type StoredMeta, usefulMs } from '@gatelet/cache'
import { type Clock, GatewayError } from '@gatelet/core'
import { Asking, Breaker, type BreakerOptions } from '@gatelet/rate-limiter/toolkit'
import { type RedisClient, type Server, serverOf } from '../client.ts'
import { hearErrors } from '../client-errors.ts'
import type { Script } from '../scripts/script.ts'
import { commitScript, enterScript, lookUpScript, notePurgeScript, purgeScript, touchScript } from './cache-scripts.ts'
import { chunkedBody } from './chunked-body.ts'
import { type OwedPurge, OwedPurges } from './owed-purges.ts'
import { type CacheRecord, chunksOf, decode, encode } from './record.ts'
import type { RedisCacheStore } from './redis-cache-store.ts'
import { RedisWriter } from './redis-writer.ts'
import { Settling } from './settling.ts'

/** Options of a store in Redis, all of them. */
export interface CacheInRedisInit {
  readonly prefix: string
  readonly timeoutMs: number
  readonly writeTimeoutMs: number
  readonly breaker: BreakerOptions
  readonly maxEntryBytes: number
  readonly maxPendingBytes: number
  readonly maxVariants: number
  readonly maxKeys: number
  readonly maxTagged: number
  readonly policy: Policy
  readonly clock: Clock
}

/**
 * Replies in Redis. The entries of a key, and their bodies, are in the slot of that key; what they are purged by, an index of
 * keys and of tags, is in a slot of its own, which look-ups do not need. An entry is entered there before it is visible, and a
 * purge is noted there before it looks for entries: whichever comes first, none is missed.
 */
export class CacheInRedis implements RedisCacheStore {
  private readonly init: CacheInRedisInit
  private readonly server: Server
  private readonly breaker: Breaker
  private readonly reading: Asking
  private readonly writing: Asking
  private readonly purges: Settling<number>
  // Entries of which Redis has not said yet how many purges there were before: clients of clusters keep no order.
  private readonly opening = new Set<Opening>()
  private pending = 0

  constructor(client: RedisClient, init: CacheInRedisInit) {
    const { clock, timeoutMs, writeTimeoutMs, breaker } = init
    this.init = init
    hearErrors(client)
    this.server = serverOf(client)
    this.breaker = new Breaker({ store: 'redis', clock, options: breaker })
    const asking = { store: 'redis', clock, breaker: this.breaker, isReady: () => this.server.isReady() }
    this.reading = new Asking({ ...asking, timeoutMs })
    this.writing = new Asking({ ...asking, timeoutMs: writeTimeoutMs })
    this.purges = new Settling({ clock, work: (purge) => this.purgeNow(purge) })
  }

  get isAvailable(): boolean {
    return !this.breaker.isOpen && this.server.isReady()
  }

  async get(key: string, { signal }: { signal?: AbortSignal } = {}): Promise<readonly StoredEntry[]> {
    const shelf = this.shelfOf(key)
    try {
      const texts = await this.ask(() => lookUpScript.run(this.server, [shelf], []), signal)
      const records = Array.isArray(texts) ? texts.map((text) => decode(textOf(text), key)) : []
      return records.flatMap((record) => (record ? this.believed(record) : [])).map((record) => this.entryOf(shelf, record))
    } catch (error) {
      // Told by the breaker. Whoever asked goes to the upstream.
      if (isAway(error)) return []
      throw error
    }
  }

  open(key: string, variant: string, meta: StoredMeta): RedisWriter | undefined {
    if ((meta.bodyBytes ?? 0) > this.init.maxEntryBytes || !this.isAvailable) return undefined
    const shelf = this.shelfOf(key)
    const id = randomUUID()
    const opening: Opening = { missed: undefined }
    this.opening.add(opening)
    const before = this.tell(() => this.server.send('GET', this.index('count')))
      .then((count) => Number(count ?? 0))
      .finally(() => this.opening.delete(opening))
    // Looked at when it is committed, which may never be.
    before.catch(() => {})
    return new RedisWriter(meta, {
      maxBytes: this.init.maxEntryBytes,
      reserve: (bytes) => this.reserve(bytes),
      send: (place, chunk) => this.sendChunk(`${shelf}:${id}:${place}`, chunk),
      commit: async (last, bodyBytes) => this.commit({ key, variant, id, meta: { ...last, bodyBytes } }, await before, opening),
      drop: (unsent, chunks) => this.drop(shelf, id, unsent, chunks),
    })
  }

  async touch(key: string, entry: StoredEntry, given: StoredMeta): Promise<void> {
    const meta = { ...given, bodyBytes: entry.meta.bodyBytes ?? 0 }
    const record = this.recordOf({ key, variant: entry.variant, id: entry.id, meta })
    const ttl = record.until - this.init.clock.date()
    // Entered for its new tags and its new end, whatever was purged meanwhile: the entry itself remembers that.
    if (ttl <= 0 || !(await this.enter(record, -1)).isFree) return
    const seen = String(entry.meta.softPurgedAt ?? 0)
    await this.run(touchScript, [this.shelfOf(key)], [entry.variant, entry.id, encode(record), String(ttl), seen])
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
    const noted = [String(softAt), said(selector)]
    const number = await this.run(notePurgeScript, [this.index('purges'), this.index('count')], noted)
    const args = [String(number), String(softAt), ...('tag' in selector ? ['1', selector.tag] : ['0', ''])]
    let purged = 0
    for await (const keys of this.keysOf(selector)) {
      const counts = await inTurns(keys, (key) => this.run(purgeScript, [this.shelfOf(key), this.markOf(key)], args))
      for (const count of counts) purged += Number(count)
    }
    return purged
  }

  /** A record as it is by now, if it is still of use. */
  private believed(record: CacheRecord): readonly CacheRecord[] {
    const { key, meta, until } = record
    const softAt = this.purges.of(key, meta.tags)
    if (softAt === 'gone' || until <= this.init.clock.date()) return []
    return softAt === undefined ? [record] : [{ ...record, meta: { softPurgedAt: softAt, ...meta } }]
  }

  private async commit(
    entry: Pick<CacheRecord, 'key' | 'variant' | 'id' | 'meta'>,
    since: number,
    { missed }: Opening,
  ): Promise<boolean> {
    const entered = await this.enter(this.recordOf(entry), since)
    const missedAt = missed?.of(entry.key, entry.meta.tags)
    const softAt = entered.softAt || missedAt
    const soft = typeof softAt === 'number' ? { softPurgedAt: softAt } : {}
    const record = this.recordOf({ ...entry, meta: { ...entry.meta, ...soft } })
    const ttl = record.until - this.init.clock.date()
    if (!entered.isFree || missedAt === 'gone' || ttl <= 0) {
      this.drop(this.shelfOf(entry.key), entry.id, 0, chunksOf(entry.meta.bodyBytes))
      return false
    }
    const { maxVariants, clock } = this.init
    const args = [entry.variant, encode(record), String(ttl), String(maxVariants), String(Math.floor(clock.date()))]
    const keys = [this.shelfOf(entry.key), this.markOf(entry.key), ...this.chunkKeys(entry)]
    return Number(await this.run(commitScript, keys, [...args, String(entered.count)])) === 1
  }

  private async enter(
    { key, until, meta }: CacheRecord,
    since: number,
  ): Promise<{ isFree: boolean; softAt: number; count: number }> {
    const { maxKeys, maxTagged, clock } = this.init
    const tags = [...new Set(meta.tags)]
    const keys = ['order', 'ends', 'purges', 'count', ...tags.map((tag) => `tag:${tag}`)].map((name) => this.index(name))
    const numbers = [until, Math.floor(clock.date()), since, maxKeys, maxTagged].map(String)
    const answer = await this.run(enterScript, keys, [key, ...numbers, ...tags])
    const [isFree, softAt, count] = Array.isArray(answer) ? answer.map(Number) : []
    return { isFree: isFree === 1, softAt: softAt ?? 0, count: count ?? 0 }
  }

  /** The keys that a selector may mean, in lists of at most 1,000. */
  private async *keysOf(selector: PurgeSelector): AsyncIterable<readonly string[]> {
    if ('key' in selector) {
      yield [selector.key]
    } else if ('tag' in selector) {
      for (let at = 0; ; at += PAGE) {
        const page = await this.list('ZRANGE', this.index(`tag:${selector.tag}`), [String(at), String(at + PAGE - 1)])
        yield page
        if (page.length < PAGE) return
      }
    } else {
      yield* this.keysFrom('prefix' in selector ? selector.prefix : '')
    }
  }

  private async *keysFrom(prefix: string): AsyncIterable<readonly string[]> {
    let from = `[${prefix}`
    for (;;) {
      const page = await this.list('ZRANGEBYLEX', this.index('order'), [from, '+', 'LIMIT', '0', String(PAGE)])
      const meant = page.filter((key) => key.startsWith(prefix))
      yield meant
      if (meant.length < PAGE) return
      from = `(${page.at(-1)}`
    }
  }

  private async list(command: string, key: string, args: readonly string[]): Promise<readonly string[]> {
    const answer = await this.tell(() => this.server.send(command, key, args))
    return Array.isArray(answer) ? answer.map((text) => String(textOf(text))) : []
  }

  private recordOf(entry: Pick<CacheRecord, 'key' | 'variant' | 'id' | 'meta'>): CacheRecord {
    const until = Math.floor(entry.meta.responseTimeMs + usefulMs(entry.meta, this.init.policy))
    return { ...entry, until: Math.max(0, until), storedAt: Math.floor(this.init.clock.date()) }
  }

  private entryOf(shelf: string, { id, variant, meta }: CacheRecord): StoredEntry {
    const read = (place: number, bytes: number) => this.readChunk(`${shelf}:${id}:${place}`, bytes)
    return {
      id,
      variant,
      meta,
      body: (range) =>
        meta.bodyBytes === 0 ? null : chunkedBody(range ?? { start: 0, end: meta.bodyBytes - 1 }, meta.bodyBytes, read),
    }
  }

  private async readChunk(key: string, bytes: number): Promise<Uint8Array> {
    const chunk = await this.ask(() => this.server.sendBytes('GET', key, []).catch(orNothing))
    if (Buffer.isBuffer(chunk) && chunk.byteLength === bytes) return chunk
    throw new GatewayError('STORE_UNAVAILABLE', { message: 'redis: a part of a stored body is not there any more' })
  }

  private async sendChunk(key: string, chunk: Buffer): Promise<void> {
    try {
      await this.tell(() => this.server.sendBytes('SET', key, [chunk, 'PX', String(WRITING_MS)]))
    } finally {
      this.pending -= chunk.byteLength
    }
  }

  private reserve(bytes: number): boolean {
    if (this.pending + bytes > this.init.maxPendingBytes) return false
    this.pending += bytes
    return true
  }

  private drop(shelf: string, id: string, unsent: number, chunks: number): void {
    this.pending -= unsent
    // Those that are not removed now expire.
    if (!this.isAvailable) return
    for (let place = 0; place < chunks; place++)
      this.tell(() => this.server.send('UNLINK', `${shelf}:${id}:${place}`)).catch(() => {})
  }

  private ask(send: () => Promise<unknown>, signal?: AbortSignal): Promise<unknown> {
    return this.reading.ask({ send, read: (answer) => answer, signal })
  }

  /** The same for what changes something: nobody waits for it. */
  private tell(send: () => Promise<unknown>): Promise<unknown> {
    return this.writing.ask({ send, read: (answer) => answer })
  }

  private run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.tell(() => script.run(this.server, keys, args))
  }

  private chunkKeys({ key, id, meta }: Pick<CacheRecord, 'key' | 'id' | 'meta'>): string[] {
    return Array.from({ length: chunksOf(meta.bodyBytes) }, (_, place) => `${this.shelfOf(key)}:${id}:${place}`)
  }

  // A hash: keys may be long, and hold whatever a client has sent.
  private shelfOf(key: string): string {
    return `${this.init.prefix}{${createHash('sha256').update(key).digest('base64url')}}`
  }

  private markOf(key: string): string {
    return `${this.shelfOf(key)}:purged`
  }

  private index(name: string): string {
    return `${this.init.prefix}{index}:${name}`
  }
}

interface Opening {
  /** Purges that began in this process meanwhile. */
  missed: OwedPurges | undefined
}

const PAGE = 1_000

/** How long a chunk is kept whose entry is not committed, in milliseconds. */
const WRITING_MS = 300_000

/** So many at the same time: Redis has others to serve. */
const AT_ONCE = 50

async function inTurns<T>(keys: readonly string[], work: (key: string) => Promise<T>): Promise<readonly T[]> {
  const done: T[] = []
  for (let at = 0; at < keys.length; at += AT_ONCE) done.push(...(await Promise.all(keys.slice(at, at + AT_ONCE).map(work))))
  return done
}

/** A selector as the log of purges has it. */
function said(selector: PurgeSelector): string {
  if ('key' in selector) return `k${selector.key}`
  if ('prefix' in selector) return `p${selector.prefix}`
  return 'tag' in selector ? `t${selector.tag}` : 'a'
}

/** What somebody else has put there is no failure of Redis. */
function orNothing(error: unknown): readonly [] {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return []
  throw error
}

/** A client may be set up to answer with bytes. */
const textOf = (value: unknown): unknown => (Buffer.isBuffer(value) ? value.toString('utf8') : value)

const isAway = (error: unknown) =>
  error instanceof GatewayError && (error.code === 'STORE_UNAVAILABLE' || error.code === 'STORE_TIMEOUT')
