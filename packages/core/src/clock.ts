/** Where time and chance come from, so that tests can drive them. */
export interface Clock {
  /** Monotonic milliseconds: for intervals, deadlines, rates. Never the wall clock. */
  now(): number
  /** Wall-clock milliseconds since 1970: only for dates that others read (`Date`, `exp`, `Age`). */
  date(): number
  /** A number in [0, 1). */
  random(): number
  /** Runs `task` once after `delayMs`. Never keeps the process alive by itself. @returns its cancel */
  setTimer(task: () => void, delayMs: number): () => void
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  random: () => Math.random(),
  setTimer(task, delayMs) {
    const timer = setTimeout(task, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
