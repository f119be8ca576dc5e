import type { StoredMeta } from '../policy/types.ts'
import type { StoredEntry } from '../store.ts'

// A tag that no field can list: they are cut at spaces.
const MARK = 'gatelet near since '

/** Meta data of a copy in the near store: since when it is there is among its tags. */
export function nearMeta(meta: StoredMeta, now: number): StoredMeta {
  return { ...meta, tags: [...ownMeta(meta).tags, `${MARK}${now}`] }
}

/** Meta data as they are without that. */
export function ownMeta(meta: StoredMeta): StoredMeta {
  return { ...meta, tags: meta.tags.filter((tag) => !tag.startsWith(MARK)) }
}

/** For how many milliseconds a copy has been near. */
export function nearForMs({ tags }: StoredMeta, now: number): number {
  const mark = tags.find((tag) => tag.startsWith(MARK))
  return mark === undefined ? Number.POSITIVE_INFINITY : now - Number(mark.slice(MARK.length))
}

/** Whether two entries, maybe of two stores, hold the same reply. */
export function isSameReply(a: StoredEntry, b: StoredEntry): boolean {
  return a.variant === b.variant && said(a.meta) === said(b.meta)
}

const said = ({ status, headers, requestTimeMs, responseTimeMs, bodyBytes }: StoredMeta) =>
  JSON.stringify([status, headers, requestTimeMs, responseTimeMs, bodyBytes])
