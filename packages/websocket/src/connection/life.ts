import type { Clock } from '@gatelet/core'

// The longest that a timer can wait, about 24 days.
const MAX_DELAY_MS = 2_147_483_647

/** When a connection is to end by itself. */
export interface Ends {
  /** In milliseconds since 1970. */
  readonly expiresAt: number | undefined
  readonly idleTimeoutMs: number
  readonly maxLifeMs: number
}

/** Ends a connection when its time is over: of the credentials, of its life, or since nothing was said. */
export class Life {
  private readonly clock: Clock
  private readonly close: (code: number, reason: string) => void
  private readonly stops = new Map<string, () => void>()
  private spokenAt: number

  constructor(clock: Clock, ends: Ends, close: (code: number, reason: string) => void) {
    this.clock = clock
    this.close = close
    this.spokenAt = clock.now()
    const { expiresAt, idleTimeoutMs, maxLifeMs } = ends
    if (expiresAt !== undefined) this.endAt(expiresAt)
    if (maxLifeMs > 0) this.after('life', maxLifeMs, () => close(1001, 'the connection has lasted as long as it may'))
    if (idleTimeoutMs > 0) this.lookIdle(idleTimeoutMs, idleTimeoutMs)
  }

  /** Something was said. */
  spoke(): void {
    this.spokenAt = this.clock.now()
  }

  stop(): void {
    for (const stop of this.stops.values()) stop()
    this.stops.clear()
  }

  // In steps, since a timer waits 24 days at most, and by the wall clock, which may be set.
  private endAt(date: number): void {
    const leftMs = date - this.clock.date()
    if (leftMs > 0) this.after('expiry', Math.min(leftMs, MAX_DELAY_MS), () => this.endAt(date))
    // Also where it is no number.
    else this.after('expiry', 0, () => this.close(1008, 'the credentials have expired'))
  }

  // One timer that looks, in place of one that every message sets anew.
  private lookIdle(idleMs: number, delayMs: number): void {
    this.after('idle', delayMs, () => {
      const leftMs = this.spokenAt + idleMs - this.clock.now()
      if (leftMs <= 0) this.close(1001, 'nothing was said for too long')
      else this.lookIdle(idleMs, leftMs)
    })
  }

  private after(name: string, delayMs: number, task: () => void): void {
    this.stops.set(name, this.clock.setTimer(task, delayMs))
  }
}
