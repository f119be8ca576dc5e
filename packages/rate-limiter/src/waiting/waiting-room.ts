import type { Clock, Context } from '@gatelet/core'
import type { WaitOptions } from '../options.ts'

/** Bounds how long, and how many, requests wait. */
export class WaitingRoom {
  readonly clock: Clock
  readonly maxMs: number
  private readonly size: number
  private readonly perKey: number
  private readonly waiting = new Map<string, number>()
  private total = 0

  constructor({ max = 5_000, size = 1_000, perKey = 100 }: WaitOptions, clock: Clock) {
    this.clock = clock
    this.maxMs = max as number
    this.size = size
    this.perKey = perKey
  }

  /** How long a request may wait from now on: until its deadline, at most. */
  patience(ctx: Pick<Context, 'deadline'>): number {
    return Math.min(this.maxMs, (ctx.deadline ?? Number.POSITIVE_INFINITY) - this.clock.now())
  }

  /** @returns false where there is no room */
  enter(key: string): boolean {
    const others = this.waiting.get(key) ?? 0
    if (this.total >= this.size || others >= this.perKey) return false
    this.total++
    this.waiting.set(key, others + 1)
    return true
  }

  leave(key: string): void {
    this.total--
    const others = (this.waiting.get(key) ?? 0) - 1
    if (others > 0) this.waiting.set(key, others)
    else this.waiting.delete(key)
  }
}
