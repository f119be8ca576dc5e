import type { Body, MaybePromise } from '@gatelet/core'
import type { ByteRange, StoredMeta } from './policy/types.ts'

/**
 * Where replies are kept. `memoryCacheStore()` for one process; others for many.
 *
 * `cache()` never trusts a store: `get` has a deadline, a throw or a wrong shape sends the request to the upstream, and the
 * bytes that a body gives are counted against `bodyBytes` of its meta data.
 */
export interface CacheStore {
  /**
   * What is stored under a key: none, one or some variants, in any order. Only those that were committed. What it returns can
   * be read for as long as somebody does, also when it is replaced or purged meanwhile.
   * @param options.signal aborts when the answer is not awaited any more
   */
  get(key: string, options?: { signal?: AbortSignal }): MaybePromise<readonly StoredEntry[]>
  /**
   * Begins an entry, which can be read only once `commit()` has ended. Nothing that is stored changes before that.
   * @param variant names the entry among those of its key: it replaces another one with the same name
   * @param meta without `bodyBytes` where the length is not known yet
   * @returns undefined when the store does not take it (it is too big, or the store is away)
   */
  open(key: string, variant: string, meta: StoredMeta): EntryWriter | undefined
  /**
   * Puts other meta data in place of those of an entry, and lets it live by them. Does nothing when it is gone, or when
   * another one took its place: the body must belong to the meta data.
   */
  touch(key: string, entry: StoredEntry, meta: StoredMeta): MaybePromise<void>
  /**
   * Removes what the selector names; softly, it only counts as stale from now on (`softPurgedAt`), so that it can still be
   * asked about or stand in for errors. An entry that is being written and was opened before is not stored (or, softly,
   * stored as stale): what it holds may be older than the reason for the purge.
   * @returns how many entries, where that is known; else 0
   */
  purge(selector: PurgeSelector, options?: { soft?: boolean }): MaybePromise<number>
  /** For stores that try purges again that failed: hears of those that are done now, as others may hold copies. @returns its undo */
  onPurged?(listener: (selector: PurgeSelector, soft: boolean) => void): () => void
  /** Lets go of what it holds: timers, connections that it made itself. */
  close?(): Promise<void>
}

/** One stored reply. */
export interface StoredEntry {
  /** Tells entries apart, also those that followed one another under the same key and variant. */
  readonly id: string
  /** Its name among those of its key, as it was given to `open`. */
  readonly variant: string
  readonly meta: StoredMeta
  /** A body of its own for each call: whole, or the bytes of a range, which is never beyond `bodyBytes`. */
  body(range?: ByteRange): Body
}

/** An entry on its way into a store. Ends with `commit` or `abort`; what comes after that does nothing. */
export interface EntryWriter {
  /**
   * Takes a chunk, which nobody changes afterwards. Never throws and never waits: what a store cannot take, it gives up.
   * @returns false when it was given up and nothing will be stored: no more need be written
   */
  write(chunk: Uint8Array): boolean
  /**
   * Makes the entry readable, all at once. The store sets `bodyBytes` to what was written.
   * @param meta in place of those given to `open`
   * @returns whether it is stored
   */
  commit(meta?: StoredMeta): MaybePromise<boolean>
  /** Drops what was written. */
  abort(): void
}

/** What to purge: all variants of one key, all keys that begin with a text, all entries with a tag, or all. */
export type PurgeSelector =
  | { readonly key: string }
  | { readonly prefix: string }
  | { readonly tag: string }
  | { readonly all: true }
