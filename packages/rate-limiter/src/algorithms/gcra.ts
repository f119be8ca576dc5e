import type { GcraRule } from '../store.ts'
import type { Algorithm } from './algorithm.ts'

/** State: the theoretical arrival time. See `GcraRule`. */
export const gcra: Algorithm<GcraRule> = {
  size: 1,
  capacity: (rule) => rule.burst,
  isIdle: (state, at, now) => (state[at] as number) <= now,
  used: (rule, state, at, now) => ahead(state, at, now) / interval(rule),
  waitFor: (rule, state, at, now, cost) => ahead(state, at, now) + (cost - rule.burst) * interval(rule),
  take(rule, state, at, now, cost) {
    const tat = now + ahead(state, at, now) + cost * interval(rule)
    state[at] = tat
    return tat
  },
  give(rule, state, at, now, cost, stamp) {
    if (cost < 0) {
      gcra.take(rule, state, at, now, -cost)
      return
    }
    // What has refilled by now is not given again: many refunds together would be a burst beyond the burst.
    const still = Math.max(0, (stamp ?? (state[at] as number)) - now)
    state[at] = (state[at] as number) - Math.min(cost * interval(rule), still)
  },
}

function interval({ windowMs, limit }: GcraRule): number {
  return windowMs / limit
}

function ahead(state: Float64Array, at: number, now: number): number {
  const tat = state[at] as number
  return tat > now ? tat - now : 0
}
