import { type Clock, systemClock } from '@gatelet/core'

/** The machine's clock, which counts the timers that were neither run nor cancelled: nobody else sees those that are unref'd. */
export function countingClock(): Clock & { pending(): number } {
  const waiting = new Set<() => void>()
  return {
    ...systemClock,
    setTimer(task, delayMs) {
      const done = () => waiting.delete(done)
      const cancel = systemClock.setTimer(() => {
        done()
        task()
      }, delayMs)
      waiting.add(done)
      return () => {
        done()
        cancel()
      }
    },
    pending: () => waiting.size,
  }
}
