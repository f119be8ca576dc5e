// A store that keeps replies in files of one folder: meta data in one file, the body in another one beside it.
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type CacheStore,
  cachePolicy,
  concerns,
  type PurgeSelector,
  type StoredEntry,
  type StoredMeta,
  usefulMs,
} from 'gatelet/cache'

interface Kept {
  id: string
  key: string
  variant: string
  storedAt: number
  meta: StoredMeta
}

/** @param limits bytes of the longest body, and entries of one key */
export function fileCacheStore(folder: string, limits: { maxEntryBytes: number; maxVariants: number }): CacheStore {
  const policy = cachePolicy()
  const hash = (text: string) => createHash('sha256').update(text).digest('base64url')
  const fileOf = (key: string, variant: string) => join(folder, `${hash(key)}.${hash(variant)}.json`)
  // Purges of this process since it started; an entry that was opened before one of them is not stored.
  let purges: PurgeSelector[] = []
  let writing = 0
  // One change after another: two that read and then write would lose what the other has done.
  let changes: Promise<unknown> = mkdir(folder, { recursive: true })
  const change = <T>(work: () => Promise<T>): Promise<T> => {
    const done = changes.then(work)
    changes = done.catch(() => {})
    return done
  }

  async function read(file: string): Promise<Kept | undefined> {
    try {
      return JSON.parse(await readFile(join(folder, file), 'utf8'))
    } catch {
      return undefined
    }
  }
  async function all(prefix = ''): Promise<Kept[]> {
    const files = (await readdir(folder)).filter((file) => file.startsWith(prefix) && file.endsWith('.json'))
    return (await Promise.all(files.map(read))).filter((kept) => kept !== undefined)
  }
  async function write(kept: Kept): Promise<void> {
    // Written aside and renamed: who reads finds the old one or the new one, whole.
    const aside = join(folder, `${randomUUID()}.part`)
    await writeFile(aside, JSON.stringify(kept))
    await rename(aside, fileOf(kept.key, kept.variant))
  }
  const drop = ({ key, variant, id }: Kept) =>
    Promise.all([rm(fileOf(key, variant), { force: true }), rm(join(folder, id), { force: true })])

  const isUseful = ({ meta }: Kept) => meta.responseTimeMs + usefulMs(meta, policy) > Date.now()

  function entryOf({ id, variant, meta }: Kept): StoredEntry {
    const body: StoredEntry['body'] = (range) => (meta.bodyBytes === 0 ? null : createReadStream(join(folder, id), range))
    return { id, variant, meta, body }
  }

  return {
    async get(key) {
      await changes
      const kept = await all(`${hash(key)}.`)
      return kept.filter((one) => one.key === key && isUseful(one)).map(entryOf)
    },
    open(key, variant, first) {
      const id = randomUUID()
      const since = purges.length
      let parts: Uint8Array[] = []
      let bytes = 0
      let isOver = false
      writing++
      const end = () => {
        isOver = true
        parts = []
        if (--writing === 0) purges = []
      }
      return {
        write(chunk) {
          if (isOver) return false
          bytes += chunk.byteLength
          if (bytes <= limits.maxEntryBytes) return parts.push(Buffer.from(chunk)) > 0
          end()
          return false
        },
        async commit(last = first) {
          if (isOver) return false
          isOver = true
          const kept = { id, key, variant, storedAt: performance.now(), meta: { ...last, bodyBytes: bytes } }
          try {
            return await change(async () => {
              if (!isUseful(kept) || purges.slice(since).some((selector) => concerns(selector, key, last.tags))) return false
              await writeFile(join(folder, id), parts)
              const others = (await all(`${hash(key)}.`)).sort((a, b) => b.storedAt - a.storedAt)
              await write(kept)
              for (const old of others) if (old.variant === variant) await rm(join(folder, old.id), { force: true })
              for (const old of others.filter((one) => one.variant !== variant).slice(limits.maxVariants - 1)) await drop(old)
              return true
            })
          } finally {
            end()
          }
        },
        abort() {
          if (!isOver) end()
        },
      }
    },
    touch: (key, entry, meta) =>
      change(async () => {
        const kept = (await all(`${hash(key)}.`)).find(({ id }) => id === entry.id)
        if (!kept) return
        const { softPurgedAt } = kept.meta
        // Purged softly after it was read: what renews it may be older than the reason.
        const stale = softPurgedAt !== undefined && softPurgedAt !== entry.meta.softPurgedAt ? { softPurgedAt } : {}
        await write({ ...kept, meta: { ...meta, bodyBytes: kept.meta.bodyBytes ?? 0, ...stale } })
      }),
    purge(selector, { soft = false } = {}) {
      if (writing > 0) purges.push(selector)
      return change(async () => {
        const meant = (await all()).filter(({ key, meta }) => concerns(selector, key, meta.tags))
        for (const kept of meant) await (soft ? write({ ...kept, meta: { ...kept.meta, softPurgedAt: Date.now() } }) : drop(kept))
        return meant.length
      })
    },
  }
}
