// A process that takes one unit after another, many at the same time: run by shared.test.ts, which reads what it prints.
import { redisRateStore } from '@gatelet/redis'
import { createClient } from 'redis'
import { isTaken, ofBurst, one } from './rules.ts'

const [, , url = '', burst = ''] = process.argv
const client = createClient({ url })
await client.connect()
const store = redisRateStore(client, { timeoutMs: 10_000, maxDenied: 0 })
const rules = [ofBurst(Number(burst), 'all'), ofBurst(Number(burst) * 2, 'more')]
let taken = 0
// Both processes at the same time.
console.log('ready')
await client.blPop('go', 0)

async function hammer(): Promise<void> {
  for (let asked = 0; asked < 50; asked++) if (isTaken(await store.take(rules.map((rule) => one(rule))))) taken++
}

await Promise.all(Array.from({ length: 20 }, hammer))
console.log(`took ${taken}`)
client.destroy()
