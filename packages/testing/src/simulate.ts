import { type SimulateOptions, simulateSettings } from './simulate-options.ts'
import { type Simulation, summary } from './simulate-result.ts'
import { Run } from './simulate-run.ts'

/**
 * Sends requests through a strategy to servers that exist as numbers only: virtual time, no timers, no sockets, a million
 * requests in a second or two. The same options and seed give the same result, and two strategies meet the same requests:
 * when each arrives, and how much work it is, depend on the seed alone.
 *
 * The simulation does for a strategy what a balancer does: it admits endpoints that have a weight and were not tried by
 * the request, counts requests in flight, and reports outcomes. It ejects nobody and checks no health, so that what you see
 * is the strategy's own doing.
 *
 * A server works on so many requests at once as it has workers; the others wait for it in the order in which they came.
 * @throws GatewayError `BAD_OPTION`; Error when the strategy picks somebody who may not be picked
 * @example
 * simulate({
 *   endpoints: [{}, {}, { slowness: 10 }],
 *   arrivals: { perSecond: 150, requests: 100_000 },
 *   serviceTimes: { meanMs: 10 },
 *   strategy: twoChoices,
 * }).latencyMs.p99
 */
export function simulate(given: SimulateOptions): Simulation {
  const run = new Run(simulateSettings(given))
  run.play()
  return summary(run)
}
