import { setImmediate } from 'node:timers/promises'
import { type Checks, type Clock, checkOptions, options } from '@gatelet/core'
import { seededRandom } from './seeded-random.ts'

/** Where a virtual clock begins. */
export interface VirtualClockOptions {
  /** The first `now()`, in milliseconds. Default: 0. */
  now?: number
  /** The first `date()`, in milliseconds since 1970. Default: 2026-01-01T00:00:00Z. */
  date?: number
  /** For `random()`; the same seed gives the same numbers. Default: 1. */
  seed?: number
}

/** A clock that stands still until a test moves it. Give it to whatever takes a `Clock`. */
export interface VirtualClock extends Clock {
  /**
   * Moves both clocks on and runs the timers that fall due, in their order, with those that they set on the way. After
   * each timer everything that waits for a promise goes on, and the event loop turns once.
   * @throws what a timer throws; the timers behind it stay
   */
  advance(ms: number): Promise<void>
  /** Sets the wall clock alone, as an administrator or NTP does. Timers and `now()` do not move. */
  setDate(ms: number): void
  /** Timers that wait. 0 says that none was forgotten. */
  readonly pending: number
}

/** Makes a clock for a test. @throws GatewayError `BAD_OPTION` */
export function virtualClock(init: VirtualClockOptions = {}): VirtualClock {
  const { now: start = 0, date = Date.UTC(2026, 0, 1), seed = 1 } = checkOptions('virtualClock', init, checks)
  const timers: Timer[] = []
  let now = start
  let dateOffset = date - start

  return {
    now: () => now,
    date: () => now + dateOffset,
    random: seededRandom(seed),
    setDate(ms) {
      dateOffset = ms - now
    },
    get pending() {
      return timers.length
    },
    setTimer(task, delayMs) {
      const timer = { at: now + checkedDelay(delayMs), task }
      timers.splice(timers.findLastIndex((other) => other.at <= timer.at) + 1, 0, timer)
      return () => {
        const at = timers.indexOf(timer)
        if (at >= 0) timers.splice(at, 1)
      }
    },
    async advance(ms) {
      const until = now + checkedDelay(ms)
      await setImmediate()
      for (let runs = 0; timers[0] && timers[0].at <= until; runs++) {
        if (runs === MAX_RUNS)
          throw new Error(`${MAX_RUNS} timers ran within one advance(${ms}): one sets itself again without end`)
        const { at, task } = timers.shift() as Timer
        now = Math.max(now, at)
        task()
        await setImmediate()
      }
      now = Math.max(now, until)
    },
  }
}

interface Timer {
  readonly at: number
  readonly task: () => void
}

const MAX_RUNS = 100_000

// Node's own timers turn a delay that is not a number, or longer than this, into 1 ms. Here it is told.
const MAX_DELAY_MS = 2_147_483_647

function checkedDelay(ms: number): number {
  if (Number.isNaN(ms) || ms > MAX_DELAY_MS) throw new RangeError(`${ms} is not a delay that a timer can keep`)
  return Math.max(0, ms)
}

const anyNumber = options.number({ min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })

const checks: Checks<VirtualClockOptions> = {
  now: options.optional(anyNumber),
  date: options.optional(anyNumber),
  seed: options.optional(anyNumber),
}
