import type { EventMap } from '@gatelet/core'
import type { CacheCountsView } from '../api/views.ts'
import { BoundedMap } from '../figures/bounded.ts'

const MAX_CACHES = 50

const nothing = () => ({ hit: 0, stale: 0, revalidated: 0, miss: 0, bypass: 0, collapsed: 0, stored: 0, storeFailures: 0 })

/** What caches answered, by their names. */
export class Caches {
  private readonly caches = new BoundedMap(MAX_CACHES, nothing)

  answered({ cache, result, isCollapsed }: EventMap['cache:answered']): void {
    const counts = this.caches.at(cache)
    counts[result]++
    if (isCollapsed) counts.collapsed++
  }

  stored(cache: string): void {
    this.caches.at(cache).stored++
  }

  storeFailed(cache: string): void {
    this.caches.at(cache).storeFailures++
  }

  view(): readonly CacheCountsView[] {
    return this.caches.list().map(([name, counts]) => ({ name, ...counts }))
  }
}
