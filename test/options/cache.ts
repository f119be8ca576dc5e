import { cache, cacheable, cachePolicy, memoryCacheStore, purgeHandler, tiered } from '@gatelet/cache'
import type { Subject } from './subjects.ts'

const ofPolicy = {
  mode: 'public',
  name: 'é',
  targets: ['cdn cache control'],
  defaults: 60,
  heuristic: true,
  requestDirectives: 'yes',
  setCookie: 'store',
  cookies: 'strip',
  keepMs: -1,
  query: ['utm_source'],
  noVarySearch: 1,
}

/** The options of `@gatelet/cache`. */
export const cacheSubjects: Readonly<Record<string, Subject>> = {
  CacheOptions: {
    through: cache,
    bad: {
      ...ofPolicy,
      store: new Map(),
      per: 'client',
      bypass: '/admin',
      collapse: true,
      refreshJitterMs: -1,
      maxEntryBytes: '8MB',
      maxVariants: 0,
      storeTimeoutMs: 0,
      tagsFrom: ['surrogate key'],
      keepTags: 'yes',
      unkeyed: 'x-forwarded-host',
      clock: {},
    },
  },
  CollapseOptions: {
    through: (collapse) => cache({ collapse }),
    at: 'collapse',
    bad: { waitMs: 0, hitForMissMs: -1, maxBytes: 1.5 },
  },
  MemoryCacheStoreOptions: {
    through: memoryCacheStore,
    good: { maxBytes: 1_000_000 },
    bad: { maxBytes: 1_000, maxEntryBytes: 0, maxVariants: 1_001, policy: 5, clock: {} },
  },
  TieredOptions: {
    through: (options) => tiered(memoryCacheStore({ maxBytes: 65_536 }), memoryCacheStore({ maxBytes: 65_536 }), options),
    bad: { channel: {}, nearMs: 0, clock: {} },
  },
  PurgeHandlerOptions: {
    through: (options) => purgeHandler(memoryCacheStore({ maxBytes: 65_536 }), options),
    good: { authorize: 'principal' },
    bad: { authorize: true, soft: 'yes', policy: 5 },
  },
  CacheableOptions: {
    through: cacheable,
    good: { ttlMs: 60_000 },
    bad: { ttlMs: 60, browserMs: -1, staleWhileRevalidateMs: '1m', staleIfErrorMs: Number.NaN, isPublic: 'yes' },
  },
  PolicyOptions: { through: cachePolicy, bad: { ...ofPolicy, partitioned: 'principal' } },
  PolicyDefaults: {
    through: (defaults) => cachePolicy({ defaults }),
    at: 'defaults',
    bad: { freshMs: -1, staleWhileRevalidateMs: '1m', staleIfErrorMs: Number.NaN },
  },
  HeuristicOptions: {
    through: (heuristic) => cachePolicy({ heuristic }),
    at: 'heuristic',
    bad: { fraction: 1.1, maxMs: -1 },
  },
  QueryOptions: {
    through: (query) => cachePolicy({ query }),
    at: 'query',
    bad: { sort: 'names', ignore: 'utm_source', only: [''] },
  },
}
