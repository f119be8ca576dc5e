import type { Ask, Lease, MaybePromise, Refusal } from '@gatelet/core'

/** One ask that waits. An element of one `WaiterList`. */
export interface Waiter {
  readonly ask: Ask
  readonly priority: number
  /** Waiters of one kind can go to the same endpoints. */
  readonly kind: string
  /** Counts up: who came first has the smaller one. */
  readonly turn: number
  /** In monotonic milliseconds. */
  readonly expiresAt: number
  /** Ends the wait. @returns whether this did: not when it was over already */
  readonly settle: (answer: MaybePromise<Lease | Refusal>) => boolean
  /** Whether it is in the room. */
  isWaiting: boolean
  previous: Waiter | undefined
  next: Waiter | undefined
}

/** Waiters in the order of their coming; any of them leaves in O(1). */
export class WaiterList {
  oldest: Waiter | undefined
  newest: Waiter | undefined

  push(waiter: Waiter): void {
    waiter.previous = this.newest
    if (this.newest) this.newest.next = waiter
    else this.oldest = waiter
    this.newest = waiter
  }

  remove(waiter: Waiter): void {
    const { previous, next } = waiter
    if (previous) previous.next = next
    else this.oldest = next
    if (next) next.previous = previous
    else this.newest = previous
    waiter.previous = waiter.next = undefined
  }
}
