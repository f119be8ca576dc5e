import type { MaybePromise } from '@gatelet/core'
import type { PurgeSelector } from '../store.ts'

/** How processes tell each other what was purged. `redisPurgeChannel()` is one. */
export interface PurgeChannel {
  /** Whether messages come now: the subscription stands. */
  readonly isLive: boolean
  /** Tells all others. One that rejects tells them later, as soon as it can. */
  publish(selector: PurgeSelector, soft: boolean): MaybePromise<void>
  /** @returns its undo */
  subscribe(listener: PurgeListener): () => void
}

/** Who hears of purges. */
export interface PurgeListener {
  purged(selector: PurgeSelector, soft: boolean): void
  /** Messages may have been lost until now. */
  lost(): void
}
