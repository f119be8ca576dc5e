import { simulate } from '@gatelet/testing'
import { rowChart } from './row-chart.ts'
import { hashing, spreading } from './strategies.ts'

/** What clients notice of one slow server among five. */
export function slowServer(): string {
  return rowChart({
    title: 'Latency: five servers, one of them ten times slower',
    subtitle: '100,000 requests, 500 a second; a server takes 10 ms on average, the slow one 100. At the right, its share.',
    axis: { label: 'latency in ms (logarithmic)', kind: 'log', from: 5, to: 1_000, ticks: [5, 10, 20, 50, 100, 200, 500, 1_000] },
    legend: ['half of all requests are quicker (p50)', '90 % are (p90)', '99 % are (p99)'],
    rows: [...spreading, ...hashing.slice(0, 1)].map(([label, strategy]) => {
      const { latencyMs, endpoints } = simulate({
        endpoints: [{ slowness: 10, workers: 16 }, ...Array.from({ length: 4 }, () => ({ workers: 16 }))],
        arrivals: { perSecond: 500, requests: 100_000 },
        serviceTimes: { meanMs: 10 },
        strategy,
        hashKey: (request) => `client-${request % 997}`,
      })
      const marks = [latencyMs.p50, latencyMs.p90, latencyMs.p99].map((at, series) => ({ series, at }))
      const share = (100 * (endpoints[0]?.share ?? 0)).toFixed(1)
      return { label, marks, note: `p99 ${Math.round(latencyMs.p99)} ms; slow: ${share} %` }
    }),
  })
}
