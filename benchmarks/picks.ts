import { cpuUsage } from 'node:process'
import { boundedLoad, rendezvous, strategies } from '@gatelet/balancer'
import type { Endpoint, StrategyFactory } from '@gatelet/core'
import { BalancedPool, RoundRobinPool } from 'undici'
import { quantile } from './statistics.ts'

// What a pick costs: how many a strategy makes in a second of CPU time, beside what undici's pools need for theirs. Each
// strategy learns latencies, meets keys that differ and endpoints that are busy. One process for all, as in a program that
// uses several: each is compiled for more than its own traffic. Goal: 5 million with 16 endpoints.
const isShort = process.env['BENCH_SHORT'] === '1'
const ROUNDS = isShort ? 5 : 25
const PICKS = isShort ? 50_000 : 200_000
const GOAL = 5

const subjects: readonly (readonly [name: string, factory: StrategyFactory])[] = [
  ...Object.entries(strategies).filter(([name]) => name !== 'hash'),
  ['boundedLoad(rendezvous)', boundedLoad(rendezvous)],
]

type Row = readonly [name: string, make: (count: number, isEven: boolean) => (() => unknown) | undefined]

const rows: readonly Row[] = [
  ...subjects.map(([name, factory]): Row => [name, (count, isEven) => picksOf(factory, count, isEven)]),
  ['undici BalancedPool', (count, isEven) => (isEven ? dispatcherOf(balancedPool(count)) : undefined)],
  ['undici RoundRobinPool', (count, isEven) => (isEven ? dispatcherOf(roundRobinPool(count)) : undefined)],
]

const columns = [
  [16, true],
  [16, false],
  [100, true],
  [100, false],
] as const

console.log(['million picks a CPU second'.padEnd(26), '16 endpoints', '  unequal', '100 endpoints', '  unequal'].join('  '))
for (const [name, make] of rows) {
  const rates = columns.map(([count, isEven]) => rateOf(make(count, isEven)))
  const cells = rates.map((rate, at) => (rate === undefined ? '-' : rate.toFixed(1)).padStart([12, 9, 13, 9][at] ?? 0))
  const isBehind = !name.startsWith('undici') && rates.slice(0, 2).some((rate = 0) => rate < GOAL)
  console.log([name.padEnd(26), ...cells].join('  ') + (isBehind ? `  below the goal of ${GOAL}` : ''))
}

/** The upper quartile of the rounds: what disturbs only takes away. */
function rateOf(pick: (() => unknown) | undefined): number | undefined {
  if (!pick) return undefined
  const rates = Array.from({ length: ROUNDS }, () => {
    const before = cpuUsage()
    for (let picked = 0; picked < PICKS; picked++) pick()
    const { user, system } = cpuUsage(before)
    return PICKS / (user + system)
  })
  return quantile(rates, 0.75)
}

function picksOf(factory: StrategyFactory, count: number, isEven: boolean): () => unknown {
  const strategy = factory({ now: () => performance.now(), random: Math.random })
  const endpoints = Array.from({ length: count }, (_, at): Endpoint => {
    return { id: `http://10.0.0.${at}:8080`, weight: isEven ? 1 : 1 + (at % 5), inflight: at % 3, metadata: {} }
  })
  strategy.update(endpoints)
  for (const endpoint of endpoints) strategy.report?.(endpoint, { kind: 'success', latencyMs: 5 + Math.random() })
  const keys = Array.from({ length: 1_024 }, (_, at) => `session-${at * 7_919}-abcdef`)
  const known = new Set<Endpoint>(endpoints)
  // As the balancer's own: whether it may be picked is looked up.
  const context = { hashKey: keys[0], attempt: 0, accepts: (endpoint: Endpoint) => known.has(endpoint) }
  let at = 0
  return () => {
    context.hashKey = keys[at++ & 1_023]
    return strategy.pick(context)
  }
}

function origin(at: number): string {
  return `http://10.0.0.${at}:8080`
}

function balancedPool(count: number): BalancedPool {
  return new BalancedPool(Array.from({ length: count }, (_, at) => origin(at)))
}

// It makes a client only while those that it has are busy, so here they are, until all are made.
function roundRobinPool(count: number): RoundRobinPool {
  const pool = new RoundRobinPool(origin(0), { connections: count })
  const next = dispatcherOf(pool) as () => Record<symbol, unknown>
  const [needsDrain] = symbolsOf(pool, 'needDrain')
  if (!needsDrain) throw new Error('this undici marks a busy client in another way')
  const clients = Array.from({ length: count }, () => {
    const client = next()
    client[needsDrain] = true
    return client
  })
  for (const client of clients) client[needsDrain] = false
  if (new Set(clients.map(next)).size !== count) throw new Error(`this pool does not take turns among ${count} clients`)
  return pool
}

/** What a pool does to find whom to ask: undici has no public name for it. */
function dispatcherOf(pool: object): () => unknown {
  const [name] = symbolsOf(pool, 'get dispatcher')
  const find = name && (pool as Record<symbol, () => unknown>)[name]
  if (!find) throw new Error('this undici finds its dispatcher in another way')
  return find.bind(pool)
}

function symbolsOf(object: object, description: string): symbol[] {
  const found: symbol[] = []
  for (let at: object | null = object; at; at = Object.getPrototypeOf(at)) found.push(...Object.getOwnPropertySymbols(at))
  return found.filter((symbol) => symbol.description === description)
}
