import { concerns, type PurgeSelector } from '@gatelet/cache'

/** A purge that is not known to be done. */
export interface OwedPurge {
  readonly selector: PurgeSelector
  /** Since when what it names is stale, in wall-clock milliseconds. Undefined: it is gone. */
  readonly softAt: number | undefined
}

/** Beyond so many that failed, all is purged instead: memory has a bound, and nothing may be forgotten. */
export const MAX_OWED = 1_000

/**
 * Purges that are under way, and those that failed and are still to be done. What one of them names is not believed until then,
 * whatever Redis says.
 */
export class OwedPurges {
  private readonly underWay = new Set<OwedPurge>()
  // By what they name: said twice, done once.
  private readonly waiting = new Map<string, OwedPurge>()

  /** Whether some failed, and wait to be done. */
  get areWaiting(): boolean {
    return this.waiting.size > 0
  }

  begin(selector: PurgeSelector, softAt: number | undefined): OwedPurge {
    const purge = { selector, softAt }
    this.underWay.add(purge)
    return purge
  }

  /** One that is kept, whatever becomes of it. */
  note(selector: PurgeSelector, softAt: number | undefined): void {
    this.failed({ selector, softAt })
  }

  /** The one that has waited the longest, under way again. */
  beginNext(): OwedPurge | undefined {
    const [next] = this.waiting
    if (!next) return undefined
    this.waiting.delete(next[0])
    this.underWay.add(next[1])
    return next[1]
  }

  done(purge: OwedPurge): void {
    this.underWay.delete(purge)
  }

  /** It is to be done again. */
  failed(purge: OwedPurge): void {
    this.underWay.delete(purge)
    if (this.waiting.has(named(everything))) return
    const before = this.waiting.get(named(purge))
    this.waiting.set(named(purge), before && isEarlier(before, purge) ? before : purge)
    if (this.waiting.size <= MAX_OWED && named(purge) !== named(everything)) return
    this.waiting.clear()
    this.waiting.set(named(everything), everything)
  }

  /** What has become of an entry: it is gone, or stale since a time, or nothing has. */
  of(key: string, tags: readonly string[]): 'gone' | number | undefined {
    let verdict: number | undefined
    for (const purges of [this.underWay, this.waiting.values()]) {
      for (const { selector, softAt } of purges) {
        if (!concerns(selector, key, tags)) continue
        if (softAt === undefined) return 'gone'
        verdict = Math.min(softAt, verdict ?? softAt)
      }
    }
    return verdict
  }
}

const everything: OwedPurge = { selector: { all: true }, softAt: undefined }

// Two soft ones name the same, whenever they were asked for: the earlier one says since when.
const named = ({ selector, softAt }: OwedPurge) => JSON.stringify([softAt === undefined, selector])

const isEarlier = (a: OwedPurge, b: OwedPurge) => a.softAt !== undefined && b.softAt !== undefined && a.softAt < b.softAt
