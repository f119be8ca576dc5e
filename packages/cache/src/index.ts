export type { CacheableOptions } from './cacheable.ts'
export { cacheable } from './cacheable.ts'
export type { MemoryCacheStore, MemoryCacheStoreOptions, MemoryEntryWriter } from './memory/memory-cache-store.ts'
export { memoryCacheStore } from './memory/memory-cache-store.ts'
export { concerns } from './memory/purge-log.ts'
export { cache } from './middleware/cache.ts'
export type { CacheControl, CacheStats } from './middleware/control.ts'
export type { CacheOptions, CollapseOptions } from './middleware/options.ts'
export type { WhoAsks } from './middleware/partition.ts'
export type { CacheStatus } from './policy/cache-status.ts'
export { addCacheStatus } from './policy/cache-status.ts'
export { evaluate } from './policy/evaluate.ts'
export { invalidates } from './policy/invalidation.ts'
export { keyOf } from './policy/key.ts'
export type { MultipartFrame } from './policy/multipart.ts'
export { multipart } from './policy/multipart.ts'
export type { SearchRule } from './policy/no-vary-search.ts'
export { parseNoVarySearch } from './policy/no-vary-search.ts'
export type { HeuristicOptions, Policy, PolicyDefaults, PolicyOptions, QueryOptions } from './policy/options.ts'
export { cachePolicy } from './policy/options.ts'
export { remaining, usefulMs } from './policy/remaining.ts'
export { respond } from './policy/respond.ts'
export type { NotStored, Storability } from './policy/storage.ts'
export { storable } from './policy/storage.ts'
export type {
  Answer,
  ByteRange,
  CacheRequest,
  CacheResponse,
  Decision,
  ExchangeTimes,
  Forward,
  Forwarded,
  StoredMeta,
} from './policy/types.ts'
export { updated, updatedByHead } from './policy/update.ts'
export { selects } from './policy/vary.ts'
export type { PurgeHandlerOptions } from './purge/purge-handler.ts'
export { purgeHandler } from './purge/purge-handler.ts'
export type { CacheStore, EntryWriter, PurgeSelector, StoredEntry } from './store.ts'
export type { PurgeChannel, PurgeListener } from './tiered/purge-channel.ts'
export type { TieredOptions } from './tiered/tiered.ts'
export { tiered } from './tiered/tiered.ts'
