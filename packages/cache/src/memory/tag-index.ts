import type { StoredEntry } from '../store.ts'

/** Which keys have entries with a tag. It holds no more than those entries do, and forgets what they leave. */
export class TagIndex {
  private readonly keys = new Map<string, Set<string>>()

  keysOf(tag: string): readonly string[] {
    return [...(this.keys.get(tag) ?? [])]
  }

  add(key: string, entries: readonly StoredEntry[]): void {
    for (const { meta } of entries) {
      for (const tag of meta.tags) {
        const keys = this.keys.get(tag)
        if (keys) keys.add(key)
        else this.keys.set(tag, new Set([key]))
      }
    }
  }

  /** All entries of a key go. */
  remove(key: string, entries: readonly StoredEntry[]): void {
    for (const { meta } of entries) {
      for (const tag of meta.tags) {
        const keys = this.keys.get(tag)
        if (keys?.delete(key) && keys.size === 0) this.keys.delete(tag)
      }
    }
  }
}
