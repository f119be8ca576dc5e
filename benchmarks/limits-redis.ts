import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { findProgram, startRedis } from '@gatelet/testing'
import { build } from './build.ts'
import { quantile } from './statistics.ts'

// What a decision of two policies in Redis costs the process that asks: CPU time, beside a PING of the same client and beside
// the two calls that rate-limiter-flexible makes. The goal is 1.8 PINGs when one is asked after another, as requests come.
const isShort = process.env['BENCH_SHORT'] === '1'
const [rounds, perRound] = isShort ? ['5', '1500'] : ['21', '3000']
const GOAL = 1.8

interface Result {
  readonly client: string
  readonly what: 'ping' | 'gatelet' | 'flexible'
  readonly abreast: number
  readonly cpuUs: readonly number[]
}

if (!findProgram('redis-server')) console.log('redis-server is not installed: what counting in Redis costs is not measured')
else await measure()

async function measure(): Promise<void> {
  build()
  await using redis = await startRedis()
  const program = fileURLToPath(new URL('dist/programs/count-in-redis.js', import.meta.url))
  const results = JSON.parse(
    execFileSync(process.execPath, [program, redis.url, rounds, perRound], { encoding: 'utf8' }),
  ) as Result[]
  const costOf = (row: Result, what: Result['what']) => {
    const found = results.find((other) => other.what === what && other.client === row.client && other.abreast === row.abreast)
    return quantile(found?.cpuUs ?? [], 0.25)
  }
  console.log('\nCPU time for each decision of two policies in Redis, in microseconds')
  console.log('client      at once     PING   Gatelet  flexible   of PING  of flexible')
  for (const row of results.filter(({ what }) => what === 'ping')) {
    const [ping, gatelet, flexible] = [costOf(row, 'ping'), costOf(row, 'gatelet'), costOf(row, 'flexible')]
    const cells = [
      row.client.padEnd(10),
      String(row.abreast).padStart(8),
      ...[ping, gatelet, flexible].map((us) => us.toFixed(1).padStart(8)),
      `${(gatelet / ping).toFixed(2)} ×`.padStart(9),
      `${(gatelet / flexible).toFixed(2)} ×`.padStart(11),
    ]
    console.log(cells.join(' ') + (row.abreast === 1 && gatelet / ping > GOAL ? '  above the goal' : ''))
  }
}
