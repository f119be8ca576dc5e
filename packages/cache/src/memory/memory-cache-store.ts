import { type Checks, type Clock, checkOptions, options, systemClock } from '@gatelet/core'
import { cachePolicy, type PolicyOptions, policyChecks } from '../policy/options.ts'
import type { StoredMeta } from '../policy/types.ts'
import type { CacheStore, EntryWriter, PurgeSelector, StoredEntry } from '../store.ts'
import { MemoryCache } from './memory-cache.ts'

/** How much is kept in memory, and for how long. */
export interface MemoryCacheStoreOptions {
  /**
   * Bytes of all replies together, at least 65,536: their bodies, keys, headers and what it costs to know them, also of those
   * that are being written. Those of the keys that nobody has asked for the longest go first.
   */
  maxBytes: number
  /** Bytes of the longest body, at most half of `maxBytes`. Default: 8 MiB, or half of `maxBytes` where that is less. */
  maxEntryBytes?: number
  /** Replies of one key, 1 to 1,000; beyond, the one that was stored first goes. Default: 16. */
  maxVariants?: number
  /** The rules by which a reply is of no use any more, and goes, where a cache does not say it with the reply. Default: `cachePolicy()`. */
  policy?: PolicyOptions
  /** Default: the machine's. */
  clock?: Clock
}

/** An entry on its way into memory. */
export interface MemoryEntryWriter extends EntryWriter {
  commit(meta?: StoredMeta): boolean
}

/** A store of replies in the memory of this process. It answers at once. */
export interface MemoryCacheStore extends CacheStore {
  get(key: string): readonly StoredEntry[]
  open(key: string, variant: string, meta: StoredMeta): MemoryEntryWriter | undefined
  touch(key: string, entry: StoredEntry, meta: StoredMeta): void
  purge(selector: PurgeSelector, options?: { soft?: boolean }): number
  close(): Promise<void>
  /** Bytes that it counts, of `maxBytes`. */
  readonly bytes: number
  /** Keys of which something is stored. */
  readonly keys: number
}

/**
 * Keeps replies in memory, in at most `maxBytes` of it.
 *
 * All replies of one key grow old together: which of them answered, a store does not see. Purging by key and by tag costs by what
 * is found; by prefix, all keys are looked at (about 10 ms for 100,000).
 * @throws GatewayError `BAD_OPTION`
 * @example cache({ store: memoryCacheStore({ maxBytes: 256 * 1024 ** 2 }) })
 */
export function memoryCacheStore(given: MemoryCacheStoreOptions): MemoryCacheStore {
  const { maxBytes, maxEntryBytes, maxVariants = 16, ...checked } = checkOptions('memoryCacheStore', given, checks)
  const mostOfOne = Math.floor(maxBytes / 2)
  if (maxEntryBytes !== undefined && maxEntryBytes > mostOfOne)
    throw options.wrong(maxEntryBytes, 'memoryCacheStore.maxEntryBytes', `at most half of maxBytes, ${mostOfOne}`)
  return new MemoryCache({
    maxBytes,
    maxEntryBytes: maxEntryBytes ?? Math.min(DEFAULT_ENTRY_BYTES, mostOfOne),
    maxVariants,
    policy: cachePolicy(checked.policy),
    clock: checked.clock ?? systemClock,
  })
}

const DEFAULT_ENTRY_BYTES = 8_388_608

const { clock, number, optional, shape } = options

const checks: Checks<MemoryCacheStoreOptions> = {
  maxBytes: number({ min: 65_536, max: Number.MAX_SAFE_INTEGER, integer: true, unit: 'bytes' }),
  maxEntryBytes: optional(number({ min: 1, max: Number.MAX_SAFE_INTEGER, integer: true, unit: 'bytes' })),
  maxVariants: optional(number({ min: 1, max: 1_000, integer: true })),
  policy: optional(shape(policyChecks)),
  clock: optional(clock),
}
