import type { StoredMeta } from '../policy/types.ts'

/** Meta data of what counts as stale since `at`, or since earlier. In wall-clock milliseconds. */
export function softly(meta: StoredMeta, at: number): StoredMeta {
  return { ...meta, softPurgedAt: Math.min(at, meta.softPurgedAt ?? at) }
}
