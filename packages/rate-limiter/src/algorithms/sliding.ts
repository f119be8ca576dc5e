import type { WindowRule } from '../store.ts'
import type { Algorithm } from './algorithm.ts'

/**
 * State: when it may be forgotten (two windows after the current one began), what is used in the current window, what was in
 * the one before, and when the current one began. That cannot be told from the first: who asked last may have had windows of
 * another length. See `WindowRule`.
 */
export const sliding: Algorithm<WindowRule> = {
  size: 4,
  capacity: (rule) => rule.limit,
  isIdle: (state, at, now) =>
    (state[at] as number) <= now || ((state[at + 1] as number) === 0 && (state[at + 2] as number) === 0),
  used(rule, state, at, now) {
    const start = rolled(rule, state, at, now)
    const covered = 1 - Math.max(0, now - start) / rule.windowMs
    return (state[at + 1] as number) + (state[at + 2] as number) * covered
  },
  waitFor(rule, state, at, now, cost) {
    const start = rolled(rule, state, at, now)
    const [current, previous] = [state[at + 1] as number, state[at + 2] as number]
    const room = rule.limit - cost
    // In this window, when enough of the one before has slid out; else in the next, where this one is the one before.
    const windows = current <= room ? 1 - (room - current) / (previous || 1) : 2 - room / current
    return start + rule.windowMs * windows - now
  },
  take(rule, state, at, now, cost) {
    const start = rolled(rule, state, at, now)
    state[at + 1] = (state[at + 1] as number) + cost
    return start
  },
  give(rule, state, at, now, cost, stamp) {
    const start = rolled(rule, state, at, now)
    if (cost < 0 || stamp === undefined || stamp === start) lower(state, at + 1, cost)
    else if (stamp === start - rule.windowMs) lower(state, at + 2, cost)
  },
}

/** Brings the state up to the window in which `now` lies. @returns when that began */
function rolled({ windowMs }: WindowRule, state: Float64Array, at: number, now: number): number {
  const start = Math.floor(now / windowMs) * windowMs
  const from = state[at + 3] as number
  if (from >= start) {
    state[at] = Math.max(state[at] as number, from + 2 * windowMs)
    return from
  }
  state[at + 2] = from >= start - windowMs ? (state[at + 1] as number) : 0
  state[at + 1] = 0
  state[at] = start + 2 * windowMs
  state[at + 3] = start
  return start
}

function lower(state: Float64Array, at: number, by: number): void {
  state[at] = Math.max(0, (state[at] as number) - by)
}
