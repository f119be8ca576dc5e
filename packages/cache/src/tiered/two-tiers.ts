import { randomUUID } from 'node:crypto'
import { type Body, type Clock, isPromise, type MaybePromise } from '@gatelet/core'
import { LRUCache } from 'lru-cache'
import type { StoredMeta } from '../policy/types.ts'
import type { CacheStore, EntryWriter, PurgeSelector, StoredEntry } from '../store.ts'
import { BothWriters } from './both-writers.ts'
import { filling } from './filling.ts'
import { knownReplyIn, nearForMs, ownMeta, replyIn, tierMeta } from './near-meta.ts'
import type { PurgeChannel } from './purge-channel.ts'

/** Options of two tiers, all of them. */
export interface TwoTiersInit {
  readonly near: CacheStore
  readonly far: CacheStore
  readonly channel: PurgeChannel | undefined
  readonly nearMs: number
  readonly clock: Clock
}

const KNOWN_MS = 1_000
const MAX_KNOWN = 1_000

/** What the far store had of a key, and when. */
interface Known {
  readonly entries: readonly StoredEntry[]
  readonly at: number
}

/** See `tiered`. */
export class TwoTiers implements CacheStore {
  private readonly init: TwoTiersInit
  private readonly known = new LRUCache<string, Known>({ max: MAX_KNOWN })
  // What whoever asks sees of a near entry, and of whatever they see what is stored.
  private readonly seen = new WeakMap<StoredEntry, StoredEntry>()
  private readonly stored = new WeakMap<StoredEntry, StoredEntry>()
  private readonly undo: readonly ((() => void) | undefined)[]
  // What was read before a purge must not be kept after it.
  private purges = 0

  constructor(init: TwoTiersInit) {
    this.init = init
    this.undo = [
      init.channel?.subscribe({
        purged: (selector, soft) => this.forget(selector, soft),
        lost: () => this.forget({ all: true }, false),
      }),
      // Others may have taken near again what was still far.
      init.far.onPurged?.((selector, soft) => this.tell(selector, soft)),
    ]
  }

  get(key: string, options: { signal?: AbortSignal } = {}): MaybePromise<readonly StoredEntry[]> {
    const found = this.init.near.get(key, options)
    return isPromise(found) ? found.then((near) => this.with(key, near, options)) : this.with(key, found, options)
  }

  open(key: string, variant: string, meta: StoredMeta): EntryWriter | undefined {
    const { near, far, clock } = this.init
    const reply = randomUUID()
    const metas = {
      near: (last: StoredMeta) => tierMeta(last, reply, clock.date()),
      far: (last: StoredMeta) => tierMeta(last, reply),
    }
    const ofNear = near.open(key, variant, metas.near(meta))
    const ofFar = far.open(key, variant, metas.far(meta))
    if (!ofNear && !ofFar) return undefined
    return new BothWriters(ofNear, ofFar, metas, meta, () => this.known.delete(key))
  }

  async touch(key: string, entry: StoredEntry, meta: StoredMeta): Promise<void> {
    const { near, far, clock } = this.init
    const reply = replyIn(this.stored.get(entry) ?? entry)
    const isMeant = (one: StoredEntry) => replyIn(one) === reply
    this.known.delete(key)
    const ofNear = (await near.get(key)).find(isMeant)
    if (ofNear) await near.touch(key, seenAs(ofNear, entry), tierMeta(meta, reply, clock.date()))
    const ofFar = (await far.get(key)).find(isMeant)
    if (ofFar) await far.touch(key, seenAs(ofFar, entry), tierMeta(meta, knownReplyIn(ofFar)))
  }

  async purge(selector: PurgeSelector, { soft = false }: { soft?: boolean } = {}): Promise<number> {
    const { near, far, channel } = this.init
    try {
      // First: what is purged near only would come back from there.
      const purged = await far.purge(selector, { soft })
      this.forgetKnown()
      return Math.max(purged, await near.purge(selector, { soft }))
    } catch (error) {
      await near.purge(selector, { soft })
      throw error
    } finally {
      this.forgetKnown()
      await channel?.publish(selector, soft)
    }
  }

  async close(): Promise<void> {
    for (const undo of this.undo) undo?.()
    await Promise.all([this.init.near.close?.(), this.init.far.close?.()])
  }

  private with(
    key: string,
    found: readonly StoredEntry[],
    options: { signal?: AbortSignal },
  ): MaybePromise<readonly StoredEntry[]> {
    const { channel, nearMs, clock } = this.init
    const now = clock.date()
    const near = (channel?.isLive ? found : found.filter((entry) => nearForMs(entry, now) < nearMs)).map((entry) =>
      this.shown(entry),
    )
    // One that does not vary is all that there is.
    if (near.length > 0 && near.every(({ meta }) => Object.keys(meta.requestHeaders).length === 0)) return near
    const known = this.known.get(key)
    if (known && clock.now() - known.at < KNOWN_MS && (near.length > 0 || known.entries.length > 0))
      return together(near, known.entries)
    return this.fromFar(key, near, options)
  }

  private async fromFar(
    key: string,
    near: readonly StoredEntry[],
    options: { signal?: AbortSignal },
  ): Promise<readonly StoredEntry[]> {
    const at = this.init.clock.now()
    const { purges } = this
    try {
      const entries = (await this.init.far.get(key, options)).map((entry) => this.keptNear(key, entry, purges))
      if (entries.length > 0 && purges === this.purges) this.known.set(key, { entries, at })
      return together(near, entries)
    } catch (error) {
      if (near.length > 0) return near
      throw error
    }
  }

  private keptNear(key: string, entry: StoredEntry, purges: number): StoredEntry {
    const { id, variant } = entry
    const open = () =>
      purges === this.purges
        ? this.init.near.open(key, variant, tierMeta(entry.meta, replyIn(entry), this.init.clock.date()))
        : undefined
    const body = (range?: Parameters<StoredEntry['body']>[0]): Body => {
      const far = entry.body(range)
      return range ? far : filling(far, open)
    }
    const shown = { id, variant, meta: ownMeta(entry.meta), body }
    this.stored.set(shown, entry)
    return shown
  }

  /** A near entry without what only this knows. The same each time: what is found out about meta data is kept with them. */
  private shown(entry: StoredEntry): StoredEntry {
    const before = this.seen.get(entry)
    if (before) return before
    const { id, variant, meta } = entry
    const shown = { id, variant, meta: ownMeta(meta), body: entry.body.bind(entry) }
    this.seen.set(entry, shown)
    this.stored.set(shown, entry)
    return shown
  }

  private tell(selector: PurgeSelector, soft: boolean): void {
    // One that does not reach others is for the channel to make up for.
    void Promise.resolve()
      .then(() => this.init.channel?.publish(selector, soft))
      .catch(() => {})
  }

  private forget(selector: PurgeSelector, soft: boolean): void {
    this.forgetKnown()
    // Whatever a store throws must not end the process: what was not purged goes by its own time.
    void Promise.resolve()
      .then(() => this.init.near.purge(selector, { soft }))
      .catch(() => {})
  }

  private forgetKnown(): void {
    this.purges++
    this.known.clear()
  }
}

/** An entry of one tier, with what was known when it was read, maybe from the other. */
function seenAs(entry: StoredEntry, { meta }: StoredEntry): StoredEntry {
  return { id: entry.id, variant: entry.variant, meta, body: entry.body.bind(entry) }
}

function together(near: readonly StoredEntry[], far: readonly StoredEntry[]): readonly StoredEntry[] {
  if (near.length === 0) return far
  return [...near, ...far.filter(({ variant }) => !near.some((entry) => entry.variant === variant))]
}
