import type { Clock } from '@gatelet/core'

/** A clock that is set by hand: the virtual one turns the event loop each time, and a store has no timers. */
export function handClock(): Clock & { at: number; offset: number } {
  return {
    at: 0,
    offset: Date.UTC(2026, 0, 1),
    now() {
      return this.at
    },
    date() {
      return this.at + this.offset
    },
    random: Math.random,
    setTimer: (): never => {
      throw new Error('a store set a timer')
    },
  }
}
