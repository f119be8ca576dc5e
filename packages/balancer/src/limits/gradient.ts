import type { Algorithm } from './adaptive.ts'

// Of Netflix's Gradient2: how many windows the usual latency remembers, how many of the first are averaged alike, how much of a
// new limit is taken over at once, and how many requests may queue at the endpoint.
const MEMORY = 600
const WARM_UP = 10
const SMOOTHING = 0.2
const QUEUE = 4

/**
 * Netflix's Gradient2: the usual latency (an average over the last 600 windows) over that of now, between 0.5 and 1, times
 * the limit, and room for a small queue. Where the usual latency is more than twice that of now, it is made shorter, so that
 * a long overload is forgotten. No change while less than half of the limit is used.
 * @param tolerance how much longer than usual is still in order
 */
export function gradient(tolerance: number): Algorithm {
  let usual = 0
  let windows = 0
  return ({ limit, latencyMs, peak }) => {
    // Below what a clock can tell, there is nothing to compare.
    const short = Math.max(latencyMs, 0.001)
    windows++
    usual += (short - usual) / (windows <= WARM_UP ? windows : (MEMORY + 1) / 2)
    if (usual / short > 2) usual *= 0.95
    if (peak * 2 < limit) return limit
    const slope = Math.min(Math.max((tolerance * usual) / short, 0.5), 1)
    return limit * (1 - SMOOTHING) + (limit * slope + QUEUE) * SMOOTHING
  }
}
