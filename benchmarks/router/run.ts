import { cpuUsage } from 'node:process'
import { quantile, shuffled } from '../statistics.ts'
import { check } from './check.ts'
import { type Ask, type Contender, contenders, type Look } from './contenders.ts'
import { serviceRoutes, type Table, tables } from './tables.ts'

// What a look-up costs: how many a router makes in a second of CPU time, beside others. One process for all, which take turns.
// A path is a string that nobody has seen before, as it comes from a socket, or one that was looked up already.
const isShort = process.env['BENCH_SHORT'] === '1'
const ROUNDS = isShort ? 7 : 31
const LOOK_UPS = isShort ? 20_000 : 60_000
const MANY = 10_000
const STATIC_GOAL = 20

type Rates = ReadonlyMap<string, number[]>

for (const table of tables) {
  for (const isNew of [true, false])
    print(
      table,
      isNew,
      contenders.map((contender) => looked(contender, table)),
    )
}
printBuilds()

function looked(contender: Contender, table: Table): readonly [name: string, look: Look] {
  const look = contender.build(table.routes)
  check(look, table)
  return [contender.name, look]
}

function print(table: Table, isNew: boolean, looks: readonly (readonly [name: string, look: Look])[]): void {
  const kinds = { ...table.asks, mix: mixed(Object.values(table.asks)) }
  const columns = Object.entries(kinds).map(([kind, paths]) => [kind, measured(looks, paths, isNew)] as const)
  console.log(`\nmillion look-ups a CPU second, ${table.routes.length} routes (${table.name}), ${isNew ? 'new' : 'known'} paths`)
  console.log(
    line(
      '',
      columns.map(([kind]) => kind),
    ),
  )
  for (const [name] of looks)
    console.log(
      line(
        name,
        columns.map(([, rates]) => quantile(rates.get(name) ?? [], 0.75).toFixed(1)),
      ),
    )
  // Of the same turn, so that what disturbed the machine disturbed both.
  for (const [name] of looks.slice(1))
    console.log(
      line(
        `gatelet / ${name}`,
        columns.map(([, rates]) => `${ratio(rates, name).toFixed(2)}x`),
      ),
    )
  const fixed = quantile(columns[0]?.[1].get('gatelet') ?? [], 0.75)
  if (!isNew && fixed < STATIC_GOAL) console.log(`static paths are below the goal of ${STATIC_GOAL} million`)
}

/** As often of each kind. */
function mixed(kinds: readonly (readonly string[])[]): string[] {
  const most = Math.max(...kinds.map(({ length }) => length))
  return Array.from({ length: most }, (_, at) => kinds.map((paths) => paths[at % paths.length] as string)).flat()
}

function measured(looks: readonly (readonly [string, Look])[], paths: readonly string[], isNew: boolean): Rates {
  const rates = new Map(looks.map(([name]) => [name, [] as number[]]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, look] of shuffled(looks)) rates.get(name)?.push(rateOf(look, asksOf(paths, isNew)))
  }
  return rates
}

function asksOf(paths: readonly string[], isNew: boolean): Ask[] {
  return Array.from({ length: LOOK_UPS }, (_, at) => {
    const path = paths[at % paths.length] as string
    return { method: 'GET', url: { host: 'api.example.com', path: isNew ? Buffer.from(path).toString('latin1') : path } }
  })
}

function rateOf(look: Look, asks: readonly Ask[]): number {
  const before = cpuUsage()
  for (const ask of asks) look.find(ask)
  const { user, system } = cpuUsage(before)
  return asks.length / (user + system)
}

function ratio(rates: Rates, name: string): number {
  const others = rates.get(name) ?? []
  return quantile(
    (rates.get('gatelet') ?? []).map((rate, turn) => rate / (others[turn] as number)),
    0.5,
  )
}

function printBuilds(): void {
  const routes = serviceRoutes(MANY / 5)
  const ask = { method: 'GET', url: { host: 'api.example.com', path: '/nowhere' } }
  console.log(`\nmilliseconds of CPU time to build a table of ${routes.length} routes, the first look-up with it`)
  for (const { name, build } of contenders) {
    const times = Array.from({ length: 3 }, () => {
      const before = cpuUsage()
      build(routes).find(ask)
      const { user, system } = cpuUsage(before)
      return (user + system) / 1_000
    })
    console.log(line(name, [Math.min(...times).toFixed(0)]))
  }
}

function line(name: string, cells: readonly string[]): string {
  return [name.padEnd(22), ...cells.map((cell) => cell.padStart(11))].join('  ')
}
