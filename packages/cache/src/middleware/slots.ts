import type { StoredMeta } from '../policy/types.ts'
import type { StoredEntry } from '../store.ts'
import { hashOf } from './marks.ts'

/**
 * The name that a reply is stored under among the variants of its key. There are only `max` names, so there are never more
 * variants, however many processes write: that of the one that it replaces, else a free one, else that of the oldest.
 * @param replaces whether a stored reply would be chosen for the request that this one answers
 */
export function slotFor(
  meta: StoredMeta,
  entries: readonly StoredEntry[],
  max: number,
  replaces: (stored: StoredMeta) => boolean,
): string {
  const same = entries.find((entry) => replaces(entry.meta))
  if (same) return same.variant
  const taken = new Set(entries.map((entry) => entry.variant))
  // From a place of its own on: several that come at the same time, of which none is stored yet, are not to meet.
  const first = hashOf(JSON.stringify(meta.requestHeaders)) % max
  for (let step = 0; step < max; step++) {
    const name = String((first + step) % max)
    if (!taken.has(name)) return name
  }
  return oldest(entries)?.variant ?? '0'
}

function oldest(entries: readonly StoredEntry[]): StoredEntry | undefined {
  let found: StoredEntry | undefined
  for (const entry of entries) if (!found || entry.meta.responseTimeMs < found.meta.responseTimeMs) found = entry
  return found
}
