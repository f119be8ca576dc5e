import type { Clock, Middleware } from '@gatelet/core'

/** Counts slow requests, and does not take the timer back for those that were not. */
export const leavesTimers = (clock: Clock): Middleware => {
  let slow = 0
  return (ctx, next) => {
    clock.setTimer(() => slow++, 10_000)
    return next(ctx)
  }
}
