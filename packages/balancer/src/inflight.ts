import type { Clock } from '@gatelet/core'

/** Counts leases that are not released yet, knows how many there may be, and tells when there are none. */
export class Inflight {
  /** How many there may be; what is over it when it becomes smaller stays. */
  max: number = Number.POSITIVE_INFINITY
  private open = 0
  private readonly waiting = new Set<() => void>()

  get count(): number {
    return this.open
  }

  get isFull(): boolean {
    return this.open >= this.max
  }

  enter(): void {
    this.open++
  }

  leave(): void {
    this.open--
    if (this.open === 0) for (const none of this.waiting) none()
  }

  /** @returns true as soon as there are none; false when `deadlineMs` passed first */
  whenNone(clock: Clock, deadlineMs: number): Promise<boolean> {
    if (this.open === 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      const none = () => {
        cancel()
        this.waiting.delete(none)
        resolve(true)
      }
      const cancel = clock.setTimer(() => {
        this.waiting.delete(none)
        resolve(false)
      }, deadlineMs)
      this.waiting.add(none)
    })
  }
}
