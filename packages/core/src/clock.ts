/** Where time and chance come from, so that tests can drive them. */
export interface Clock {
  /** Monotonic milliseconds: for intervals, deadlines, rates. Never the wall clock. */
  now(): number
  /** Wall-clock milliseconds since 1970: only for dates that others read (`Date`, `exp`, `Age`). */
  date(): number
  /** A number in [0, 1). */
  random(): number
  /** Runs `task` once after `delayMs`, 24 days at most. Never keeps the process alive by itself. @returns its cancel */
  setTimer(task: () => void, delayMs: number): () => void
}

/** The longest that a timer can wait, about 24 days: Node makes 1 ms of more. */
export const MAX_DELAY_MS = 2_147_483_647

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  random: () => Math.random(),
  setTimer(task, delayMs) {
    const timer = setTimeout(task, Math.min(delayMs, MAX_DELAY_MS))
    timer.unref()
    return () => clearTimeout(timer)
  },
}
