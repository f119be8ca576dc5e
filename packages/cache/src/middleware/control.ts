import type { MaybePromise } from '@gatelet/core'
import type { PurgeSelector } from '../store.ts'

/** What can be done with a cache beside asking through it. */
export interface CacheControl {
  /**
   * Removes what the selector names from the store, or softly makes it stale. Requests that are under way and may bring what
   * is older than this are not stored, and nobody joins them.
   * @returns how many entries, where the store knows it; else 0
   * @throws what the store throws
   */
  purge(selector: PurgeSelector, options?: { soft?: boolean }): MaybePromise<number>
  /** What happened since the program started. */
  stats(): CacheStats
}

/** Counts of what a cache did. Each request that passed it is in one of the first five. */
export interface CacheStats {
  /** Answered from the store. */
  readonly hits: number
  /** Answered from the store although stale: while somebody asked again, or in place of an error. */
  readonly stale: number
  /** Answered from the store after the upstream said that it holds. */
  readonly revalidated: number
  /** Answered by the upstream, or together with another request that was. */
  readonly misses: number
  /** Passed on without being looked up: other methods, upgrades, what the rules or the options leave out. */
  readonly bypassed: number
  /** Of the misses and the revalidated, those that were answered by what another request asked. */
  readonly collapsed: number
  /** Replies that were stored. */
  readonly stored: number
  /** Failures of the store: errors, wrong shapes, answers that came too late. */
  readonly storeFailures: number
  /** Requests to the upstream under way that others may join. */
  readonly inFlight: number
}
