import type { StoredMeta } from '../policy/types.ts'
import type { StoredEntry } from '../store.ts'

/** What two tiers keep with the meta data of an entry. Whoever asks does not see it. */
interface TierMeta extends StoredMeta {
  /** Tells replies apart in both stores, which have ids of their own. */
  readonly tierReply?: string
  /** Since when it is near, in wall-clock milliseconds. */
  readonly tierSince?: number
}

/** Meta data for a store. @param since since when it is near, for the near one */
export function tierMeta(meta: StoredMeta, reply: string | undefined, since?: number): StoredMeta {
  const marks = { ...(reply === undefined ? {} : { tierReply: reply }), ...(since === undefined ? {} : { tierSince: since }) }
  return Object.assign(ownMeta(meta), marks)
}

/** Meta data as whoever asks sees them. */
export function ownMeta(meta: StoredMeta): StoredMeta {
  const { tierReply: _, tierSince: __, ...own } = meta as TierMeta
  return own
}

/** Which reply an entry holds, the same in both stores. */
export function replyIn({ id, meta }: StoredEntry): string {
  return (meta as TierMeta).tierReply ?? id
}

/** The same, where it came in through both. */
export const knownReplyIn = ({ meta }: StoredEntry): string | undefined => (meta as TierMeta).tierReply

/** For how many milliseconds a copy has been near. */
export function nearForMs({ meta }: StoredEntry, now: number): number {
  const { tierSince } = meta as TierMeta
  return tierSince === undefined ? Number.POSITIVE_INFINITY : now - tierSince
}
