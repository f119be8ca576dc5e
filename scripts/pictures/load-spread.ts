import type { StrategyFactory } from '@gatelet/core'
import { seededRandom, simulate } from '@gatelet/testing'
import { rowChart } from './row-chart.ts'
import { bounded, hashing, spreading } from './strategies.ts'

const SERVERS = 10
const REQUESTS = 20_000
const KEYS = 1_000

/** How the requests of few busy and many quiet clients are spread over ten equal servers. */
export function loadSpread(): string {
  return rowChart({
    title: 'Load: how many requests each of ten equal servers gets',
    subtitle: '20,000 requests of 1,000 clients; the busiest client sends 13 % of them. 100 requests in flight on average.',
    axis: {
      label: 'requests of a server, in % of a tenth of all',
      kind: 'linear',
      from: 0,
      to: 250,
      ticks: [0, 50, 100, 150, 200, 250],
      strong: 100,
    },
    legend: ['a server'],
    rows: [...spreading, ...hashing, ...bounded].map(([label, factory]) => {
      const shares = sharesOf(factory).map((share) => 100 * share * SERVERS)
      const [least, most] = [Math.min(...shares), Math.max(...shares)].map(Math.round)
      return { label, marks: shares.map((at) => ({ series: 0, at })), note: `${least} to ${most} %` }
    }),
  })
}

function sharesOf(strategy: StrategyFactory): number[] {
  const clients = clientsOf()
  const { endpoints } = simulate({
    // As many workers as are ever needed: nobody waits, so that only the strategy is seen.
    endpoints: Array.from({ length: SERVERS }, (_, at) => ({ id: `http://10.0.0.${at}:8080`, workers: 10_000 })),
    arrivals: { perSecond: 2_000, requests: REQUESTS },
    serviceTimes: { meanMs: 50 },
    strategy,
    hashKey: (request) => `client-${clients[request]}`,
  })
  return endpoints.map(({ share }) => share)
}

/** Whose request each is: the second client sends half as many as the first, the third a third (Zipf). */
function clientsOf(): number[] {
  const chance = seededRandom(7)
  const sums: number[] = []
  for (let client = 0; client < KEYS; client++) sums.push((sums[client - 1] ?? 0) + 1 / (client + 1))
  const all = sums[KEYS - 1] as number
  return Array.from({ length: REQUESTS }, () => {
    const point = chance() * all
    return sums.findIndex((sum) => sum > point)
  })
}
