import type { Endpoint, Strategy, StrategyFactory } from '@gatelet/core'
import { seededRandom } from '@gatelet/testing'
import { rowChart } from './row-chart.ts'
import { hashing, modulo } from './strategies.ts'

const KEYS = 100_000
const LEAVES = 3

/** Which keys change their server when one of ten leaves. */
export function keyMovement(): string {
  return rowChart({
    title: 'Keys that move when one of ten servers leaves',
    subtitle: 'Of 100,000 keys. Those of the server that left have to move; those of the others lose what is cached for them.',
    axis: { label: 'keys that move, in % of all', kind: 'linear', from: 0, to: 100, ticks: [0, 20, 40, 60, 80, 100] },
    legend: ['keys of the server that left', 'keys of the others'],
    rows: [...hashing, ['hash modulo 10', modulo] as const].map(([label, factory]) => {
      const { own, others } = movedBy(factory)
      const marks = [
        { series: 0, from: 0, at: own },
        { series: 1, from: own, at: own + others },
      ]
      return { label, marks, note: `${own.toFixed(1)} % + ${others.toFixed(1)} %` }
    }),
  })
}

/** In % of all keys. */
function movedBy(factory: StrategyFactory): { own: number; others: number } {
  const strategy = factory({ now: () => 0, random: seededRandom(1) })
  const before = homesOf(strategy, servers)
  const after = homesOf(
    strategy,
    servers.filter((_, at) => at !== LEAVES),
  )
  const moved = before.filter((home, key) => home !== after[key])
  const own = moved.filter((home) => home === servers[LEAVES]).length
  return { own: (100 * own) / KEYS, others: (100 * (moved.length - own)) / KEYS }
}

function homesOf(strategy: Strategy, endpoints: readonly Endpoint[]): (Endpoint | undefined)[] {
  strategy.update(endpoints)
  return Array.from({ length: KEYS }, (_, key) => strategy.pick({ hashKey: `user-${key}`, attempt: 0, accepts: () => true }))
}

const servers: readonly Endpoint[] = Array.from({ length: 10 }, (_, at) => ({
  id: `http://10.0.0.${at}:8080`,
  weight: 1,
  inflight: 0,
  metadata: {},
}))
