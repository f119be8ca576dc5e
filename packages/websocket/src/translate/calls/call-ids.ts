import type { Clock } from '@gatelet/core'

/**
 * Ids of calls: a counter behind an epoch, which differs from start to start. No two calls of a process share one, whatever the
 * connection: an answer that comes too late, or on the wrong connection, meets no other call.
 */
export class CallIds {
  private readonly epoch: string
  private count = 0

  constructor(clock: Clock) {
    this.epoch = Math.floor(clock.random() * 36 ** 8).toString(36)
  }

  next(): string {
    this.count++
    return `${this.epoch}-${this.count.toString(36)}`
  }
}
