import type { Clock } from '@gatelet/core'

/** Counts leases that are not released yet, and tells when there are none. */
export class Inflight {
  private open = 0
  private readonly waiting = new Set<() => void>()

  get count(): number {
    return this.open
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
