// Which strategy, for the servers that you have? 100,000 requests through each, in virtual time: no server is asked.
import { type SimulateOptions, simulate } from '@gatelet/testing'
import { leastRequests, random, roundRobin, twoChoices } from 'gatelet/balancer'
import { quickest } from './quickest.ts'

const strategies = { random, roundRobin, leastRequests, twoChoices, quickest }

const normal = {
  endpoints: 5,
  arrivals: { perSecond: 350, requests: 100_000 },
  serviceTimes: { meanMs: 10 },
} satisfies Partial<SimulateOptions>

const scenes: Record<string, Omit<SimulateOptions, 'strategy'>> = {
  'five equal servers': normal,
  'one is three times slower': { ...normal, endpoints: [{ slowness: 3 }, {}, {}, {}, {}] },
  'one fails at once': { ...normal, faults: [{ endpoint: 'e0', kind: 'error', fromMs: 0 }] },
}

for (const [scene, options] of Object.entries(scenes)) {
  console.log(`\n${scene}`)
  for (const [name, strategy] of Object.entries(strategies)) {
    const { latencyMs, failures, requests } = simulate({ ...options, strategy })
    const failed = ((100 * failures) / requests).toFixed(1)
    console.log(`${name.padEnd(15)} p50 ${ms(latencyMs.p50)}   p99 ${ms(latencyMs.p99)}   failed ${failed.padStart(5)} %`)
  }
}

function ms(value: number): string {
  return `${Math.round(value)} ms`.padStart(9)
}
