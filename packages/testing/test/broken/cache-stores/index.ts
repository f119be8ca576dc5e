import { type CacheStore, type EntryWriter, memoryCacheStore, type StoredEntry, type StoredMeta } from '@gatelet/cache'

/** A store with one mistake. */
export interface BrokenCacheStore {
  readonly make: () => CacheStore
  /** The case that is about its mistake, and what that says. Others may fail too. */
  readonly failsBy: string
  readonly saying: RegExp
}

export const limits = { maxEntryBytes: 300_000, maxVariants: 4 }

const memory = () => memoryCacheStore({ maxBytes: 5_000_000, ...limits })

/** A right store, with some of it replaced. */
const broken = (change: (store: CacheStore) => Partial<CacheStore>) => (): CacheStore => {
  const store: CacheStore = memory()
  return {
    get: (...args) => store.get(...args),
    open: (...args) => store.open(...args),
    touch: (...args) => store.touch(...args),
    purge: (...args) => store.purge(...args),
    ...change(store),
  }
}

/** Changes the writers of a right store. */
const writing = (change: (writer: EntryWriter, key: string, meta: StoredMeta) => Partial<EntryWriter>) =>
  broken((store) => ({
    open(key, variant, meta) {
      const writer = store.open(key, variant, meta)
      if (!writer) return undefined
      const own: EntryWriter = {
        write: (chunk) => writer.write(chunk),
        commit: (last) => writer.commit(last),
        abort: () => writer.abort(),
      }
      return { ...own, ...change(writer, key, meta) }
    },
  }))

/** Changes the entries that it shows. */
const showing = (change: (entry: StoredEntry) => Partial<StoredEntry>) => {
  const own = new WeakMap<StoredEntry, StoredEntry>()
  return broken((store) => ({
    get: async (key) =>
      (await store.get(key)).map((entry) => {
        const { id, variant, meta } = entry
        const shown = { id, variant, meta, body: entry.body.bind(entry), ...change(entry) }
        own.set(shown, entry)
        return shown
      }),
    touch: (key, entry, meta) => store.touch(key, own.get(entry) ?? entry, meta),
  }))
}

export const brokenCacheStores: Readonly<Record<string, BrokenCacheStore>> = {
  showsWhatIsBeingWritten: {
    make: broken((store) => ({
      open(key, variant, meta) {
        let bytes = Buffer.alloc(0)
        const keep = () => {
          const writer = store.open(key, variant, meta)
          writer?.write(bytes)
          return writer?.commit() ?? false
        }
        return {
          write(chunk) {
            bytes = Buffer.concat([bytes, chunk])
            void keep()
            return true
          },
          commit: keep,
          abort() {},
        }
      },
    })),
    failsBy: 'shows an entry once it is committed, whole, and nothing of it before',
    saying: /an entry that is being written/,
  },
  cutsBodies: {
    make: writing((writer) => ({ write: (chunk) => writer.write(chunk.subarray(0, 16_384)) })),
    failsBy: 'shows an entry once it is committed, whole, and nothing of it before',
    saying: /bytes of a body of 100,003/,
  },
  storesWhatIsAborted: {
    make: writing((writer) => ({ abort: () => void writer.commit() })),
    failsBy: 'stores nothing of what is aborted, and nothing after the end',
    saying: /after abort|deep-equal/,
  },
  believesTheAnnouncedLength: {
    make: showing((entry) => ({ meta: { ...entry.meta, bodyBytes: 99 } })),
    failsBy: 'gives back the meta data, those of the commit where it has some, with the length of what was written',
    saying: /99/,
  },
  mixesVariants: {
    make: broken((store) => ({ open: (key, _, meta) => store.open(key, '', meta) })),
    failsBy: 'keeps the variants of a key apart, and replaces the one of the same name',
    saying: /deep-equal/,
  },
  foldsKeys: {
    make: broken((store) => ({
      get: (key) => store.get(key.toLowerCase()),
      open: (key, ...rest) => store.open(key.toLowerCase(), ...rest),
    })),
    failsBy: 'keeps keys apart, whatever is in them',
    saying: /the key http/,
  },
  sharesAWriter: {
    make: broken((store) => {
      const writers = new Map<string, EntryWriter>()
      return {
        open(key, variant, meta) {
          const writer = writers.get(key) ?? store.open(key, variant, meta)
          if (!writer) return undefined
          writers.set(key, writer)
          const commit = (last?: StoredMeta) => {
            writers.delete(key)
            return writer.commit(last)
          }
          return { write: (chunk) => writer.write(chunk), commit, abort: () => writer.abort() }
        },
      }
    }),
    failsBy: 'never mixes two that write the same entry at the same time',
    saying: /that of neither writer/,
  },
  hasNoBound: {
    make: () => memoryCacheStore({ maxBytes: 50_000_000, maxEntryBytes: 1_000_000, maxVariants: 4 }),
    failsBy: 'gives up what is longer than it may be, and keeps what was there',
    saying: /takes more than 300000 bytes/,
  },
  keepsEveryVariant: {
    make: () => memoryCacheStore({ maxBytes: 5_000_000, maxEntryBytes: 300_000, maxVariants: 1_000 }),
    failsBy: 'keeps no more entries of a key than it may, and those that came last',
    saying: /7 entries of one key, of at most 4/,
  },
  keepsForEver: {
    make: broken((store) => ({
      open: (key, variant, meta) => store.open(key, variant, { ...meta, responseTimeMs: Date.now(), requestTimeMs: Date.now() }),
    })),
    failsBy: 'shows nothing that is of no use any more',
    saying: /over two hours ago/,
  },
  storesTexts: {
    make: writing((writer) => ({
      write: (chunk) => writer.write(Buffer.from(Buffer.from(chunk).toString('utf8').slice(0, chunk.length))),
    })),
    failsBy: 'gives back the bytes that were written, of every value and length',
    saying: /come back as another one|bodyBytes|strictly equal/,
  },
  endsRangesTooSoon: {
    make: showing((entry) => ({ body: (range) => entry.body(range && { ...range, end: Math.max(range.start, range.end - 1) }) })),
    failsBy: 'gives the bytes of a range, both ends included',
    saying: /the range 0-199999 has 199999 bytes/,
  },
  givesABodyOnce: {
    make: showing((entry) => {
      const body = entry.body()
      return { body: (range) => (range ? entry.body(range) : body) }
    }),
    failsBy: 'gives a body of its own to each who asks',
    saying: /BODY_USED|body/,
  },
  readsWhatIsThereNow: {
    make: broken((store) => ({
      get: async (key) =>
        (await store.get(key)).map(({ id, variant, meta }) => ({
          id,
          variant,
          meta,
          body: (range) => (store.get(key) as readonly StoredEntry[]).find((one) => one.variant === variant)?.body(range) ?? null,
        })),
    })),
    failsBy: 'never mixes the bytes of an entry and of the one that takes its place',
    saying: /has bytes of the new one/,
  },
  loosesTags: {
    make: broken((store) => ({ touch: (key, entry, meta) => store.touch(key, entry, { ...meta, tags: [] }) })),
    failsBy: 'puts other meta data in place of those of an entry, and keeps its body',
    saying: /a tag that it was given later is not purged/,
  },
  renewsByName: {
    make: broken((store) => ({
      async touch(key, { variant }, meta) {
        const now = (await store.get(key)).find((entry) => entry.variant === variant)
        if (now) await store.touch(key, now, meta)
      },
    })),
    failsBy: 'changes nothing of an entry that took the place of the one that is renewed, and makes none of one that is gone',
    saying: /the meta data of an old body are put to a new one/,
  },
  forgetsSoftPurges: {
    make: broken((store) => ({
      async touch(key, { id }, meta) {
        const now = (await store.get(key)).find((entry) => entry.id === id)
        if (now) await store.touch(key, now, meta)
      },
    })),
    failsBy: 'keeps stale what was softly purged after it was read by who renews it',
    saying: /a soft purge is lost/,
  },
  purgesOneVariant: {
    make: broken((store) => ({
      purge: async (selector, options) =>
        'key' in selector && (await store.get(selector.key)).length > 1 ? 1 : store.purge(selector, options),
    })),
    failsBy: 'purges all variants of a key, and no other key',
    saying: /deep-equal/,
  },
  purgesNoPrefixes: {
    make: broken((store) => ({ purge: (selector, options) => ('prefix' in selector ? 0 : store.purge(selector, options)) })),
    failsBy: 'purges by the beginning of keys',
    saying: /deep-equal/,
  },
  purgesNoTags: {
    make: broken((store) => ({ purge: (selector, options) => ('tag' in selector ? 0 : store.purge(selector, options)) })),
    failsBy: 'purges by tag, and only what has it',
    saying: /deep-equal/,
  },
  neverPurgesAll: {
    make: broken((store) => ({ purge: (selector, options) => ('all' in selector ? 0 : store.purge(selector, options)) })),
    failsBy: 'purges all',
    saying: /deep-equal/,
  },
  purgesHardAlways: {
    make: broken((store) => ({ purge: (selector) => store.purge(selector) })),
    failsBy: 'softly makes stale what it is told, and keeps it',
    saying: /0 entries instead of 1/,
  },
  forgetsWhatIsOnItsWay: {
    make: broken((store) => ({
      open(key, variant, meta) {
        const parts: Uint8Array[] = []
        let isOver = false
        return {
          write: (chunk) => !isOver && parts.push(chunk) > 0,
          commit(last) {
            if (isOver) return false
            isOver = true
            const writer = store.open(key, variant, meta)
            for (const part of parts) writer?.write(part)
            return writer?.commit(last) ?? false
          },
          abort() {
            isOver = true
          },
        }
      },
    })),
    failsBy: 'stores nothing that was opened before it was purged, by whatever it was',
    saying: /after a purge of/,
  },
  storesAsFresh: {
    make: broken((store) => ({
      purge: (selector, options) => ('prefix' in selector && options?.soft ? 0 : store.purge(selector, options)),
    })),
    failsBy: 'stores as stale at most what was opened before it was softly purged',
    saying: /it counts as fresh/,
  },
}
