import type { PurgeSelector } from '../store.ts'

interface Purge {
  readonly number: number
  readonly selector: PurgeSelector
  /** Undefined: it was no soft one. */
  readonly softAt: number | undefined
}

// Beyond, an entry that was opened before the oldest of them is not stored.
const MAX_PURGES = 1_000

/** What was purged while entries were being written: they may hold what is older than the reason. At most 1,000 purges. */
export class PurgeLog {
  private purges: Purge[] = []
  private number = 0
  private forgotten = 0
  private open = 0

  /** An entry is opened. @returns from where on purges concern it */
  begin(): number {
    this.open++
    return this.number
  }

  /** It is stored, or given up. */
  end(): void {
    this.open--
    if (this.open === 0) this.purges = []
  }

  note(selector: PurgeSelector, softAt: number | undefined): void {
    if (this.open === 0) return
    this.purges.push({ number: ++this.number, selector, softAt })
    if (this.purges.length > MAX_PURGES) this.forgotten = this.purges.shift()?.number ?? this.forgotten
  }

  /** What has become of an entry since then: it is gone, or counts as stale from a time on, or nothing has. */
  since(number: number, key: string, tags: readonly string[]): 'gone' | number | undefined {
    if (number < this.forgotten) return 'gone'
    const meant = this.purges.filter((purge) => purge.number > number && concerns(purge.selector, key, tags))
    if (meant.some(({ softAt }) => softAt === undefined)) return 'gone'
    return meant[0]?.softAt
  }
}

/** Whether a selector means an entry. */
export function concerns(selector: PurgeSelector, key: string, tags: readonly string[]): boolean {
  if ('key' in selector) return selector.key === key
  if ('prefix' in selector) return key.startsWith(selector.prefix)
  return 'all' in selector || tags.includes(selector.tag)
}
