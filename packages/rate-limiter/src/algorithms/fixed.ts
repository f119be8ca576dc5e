import type { CalendarRule, WindowRule } from '../store.ts'
import type { Algorithm } from './algorithm.ts'

/** State: when the window ends, and what is used in it. See `WindowRule`. */
export const fixed: Algorithm<WindowRule> = windowed((rule, now) => now + rule.windowMs)

/**
 * The same for periods that somebody else knows the end of. See `CalendarRule`.
 * @param endOf when the period ends in which `now` lies
 */
export function calendar(endOf: (rule: CalendarRule, now: number) => number): Algorithm<CalendarRule> {
  return windowed(endOf)
}

function windowed<R extends WindowRule | CalendarRule>(endOf: (rule: R, now: number) => number): Algorithm<R> {
  const take: Algorithm<R>['take'] = (rule, state, at, now, cost) => {
    if (!isOpen(state, at, now)) {
      if (cost <= 0) return 0
      state[at] = endOf(rule, now)
      state[at + 1] = 0
    }
    state[at + 1] = (state[at + 1] as number) + cost
    return state[at] as number
  }
  return {
    size: 2,
    capacity: (rule) => rule.limit,
    isIdle: (state, at, now) => !isOpen(state, at, now),
    used,
    waitFor: (_rule, state, at, now) => (isOpen(state, at, now) ? (state[at] as number) - now : 0),
    take,
    give(rule, state, at, now, cost, stamp) {
      if (cost < 0) take(rule, state, at, now, -cost)
      else if (isOpen(state, at, now) && (stamp === undefined || stamp === state[at]))
        state[at + 1] = Math.max(0, (state[at + 1] as number) - cost)
    },
  }
}

// A window of which everything was given back is as good as none: the next unit begins another.
function isOpen(state: Float64Array, at: number, now: number): boolean {
  return now < (state[at] as number) && (state[at + 1] as number) > 0
}

function used(_rule: unknown, state: Float64Array, at: number, now: number): number {
  return isOpen(state, at, now) ? (state[at + 1] as number) : 0
}
