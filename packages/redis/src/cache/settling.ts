import type { PurgeSelector } from '@gatelet/cache'
import type { Clock } from '@gatelet/core'
import { type OwedPurge, OwedPurges } from './owed-purges.ts'

/** What settling lives by. */
export interface SettlingInit<T> {
  readonly clock: Clock
  /** Does a purge, all of it. Rejects when it is not known to be done. */
  work(purge: OwedPurge): Promise<T>
}

/** How long it waits until what failed is tried again, in milliseconds. */
const AGAIN_MS = 200

/** Does purges, and those that fail again and again until they are done: a Redis that comes back has what was purged meanwhile. */
export class Settling<T> {
  private readonly init: SettlingInit<T>
  private readonly purges = new OwedPurges()
  private readonly listeners = new Set<(selector: PurgeSelector, soft: boolean) => void>()
  private cancelTimer: (() => void) | undefined
  private isClosed = false

  constructor(init: SettlingInit<T>) {
    this.init = init
  }

  /** @throws what the work throws: it is tried again */
  async purge(selector: PurgeSelector, softAt: number | undefined): Promise<T> {
    const purge = this.purges.begin(selector, softAt)
    try {
      return await this.attempt(purge)
    } finally {
      this.again()
    }
  }

  /** What has become of an entry by purges that are not known to be done: it is gone, or stale since a time, or nothing has. */
  of(key: string, tags: readonly string[]): 'gone' | number | undefined {
    return this.purges.of(key, tags)
  }

  /** Hears of purges that failed at first and are done now. @returns its undo */
  onSettled(listener: (selector: PurgeSelector, soft: boolean) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Tries no more. */
  close(): void {
    this.isClosed = true
    this.cancelTimer?.()
    this.cancelTimer = undefined
  }

  private async attempt(purge: OwedPurge): Promise<T> {
    try {
      const result = await this.init.work(purge)
      this.purges.done(purge)
      return result
    } catch (error) {
      this.purges.failed(purge)
      throw error
    }
  }

  private again(): void {
    if (this.isClosed || this.cancelTimer || !this.purges.areWaiting) return
    this.cancelTimer = this.init.clock.setTimer(() => {
      void this.settle().then(() => {
        this.cancelTimer = undefined
        this.again()
      })
    }, AGAIN_MS)
  }

  /** One after another, until one fails. Never rejects. */
  private async settle(): Promise<void> {
    try {
      for (let next = this.purges.beginNext(); next && !this.isClosed; next = this.purges.beginNext()) {
        await this.attempt(next)
        for (const listener of this.listeners) listener(next.selector, next.softAt !== undefined)
      }
    } catch {
      // Told by whoever was asked. It waits again.
    }
  }
}
