import { leastRequests, peakEwma } from '@gatelet/balancer'
import { simulate } from '@gatelet/testing'
import { expect, test } from 'vitest'

test.each([
  ['leastRequests', leastRequests],
  ['peakEwma', peakEwma()],
])('with %s, one of three servers that is ten times slower gets less than 15 %% of the requests', (_name, strategy) => {
  const { endpoints, failures } = simulate({
    endpoints: [{ workers: 4 }, { workers: 4 }, { workers: 4, slowness: 10 }],
    arrivals: { perSecond: 400, requests: 20_000 },
    serviceTimes: { meanMs: 10 },
    strategy,
  })
  expect(failures).toBe(0)
  expect(endpoints[2]?.share).toBeLessThan(0.15)
})
