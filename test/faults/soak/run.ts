// Chaos for ten minutes: servers fail and recover at random, one of three stays whole, clients ask and leave. Says at the end
// how many idempotent requests were answered, and whether memory and handles stayed flat. SOAK_SHORT=1: 20 seconds.
// Run with --expose-gc: memory is looked at behind a collection.
import { setTimeout as delay } from 'node:timers/promises'
import { createBalancer } from '@gatelet/balancer'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { baseline, origins, seededRandom } from '@gatelet/testing'
import { chaos } from './chaos.ts'
import { SoakLoad } from './load.ts'

const isShort = process.env['SOAK_SHORT'] === '1'
const totalMs = isShort ? 20_000 : 600_000
const looks = isShort ? 10 : 60
const seed = Number(process.env['SOAK_SEED'] ?? 1)

const GOAL = 0.9999
// What heap may be more at the end of a run than after its first quarter, in MB.
const MAX_GROWTH_MB = 3

const uncaught: unknown[] = []
for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, (error) => void uncaught.push(error))

const before = baseline()
const random = seededRandom(seed)
const farm = await origins(3, {
  keepRequests: 1,
  keepBodyBytes: 0,
  handler(req, res) {
    const bytes = 100 + (Number(req.url?.split('?')[1] ?? 0) % 7) * 3_000
    req.resume().on('end', () => res.writeHead(200, { 'content-length': bytes }).end('x'.repeat(bytes)))
  },
})
const balancer = createBalancer({ endpoints: farm.urls })
const forward = proxy(balancer, { timeouts: { connectMs: 500, headersMs: 500, bodyIdleMs: 500 } })
const server = await serve(forward, { port: 0, host: '127.0.0.1' })

const load = new SoakLoad(server.url, 16, random)
const trouble = chaos(farm, random, isShort ? 150 : 400)
const heapMb: number[] = []
for (let look = 0; look < looks; look++) {
  await delay(totalMs / looks)
  globalThis.gc?.()
  heapMb.push(process.memoryUsage().heapUsed / 1_048_576)
}
await trouble.stop()
const tally = await load.stop()

const settled = async (what: string, isSo: () => boolean) => {
  for (let waited = 0; waited < 10_000 && !isSo(); waited += 50) await delay(50)
  return isSo() ? [] : [what]
}
const problems = await settled('requests are still in flight', () => balancer.endpoints.every(({ inflight }) => inflight === 0))
await server.close({ graceMs: 0 })
await forward.close()
await balancer.close()
await farm.close()
problems.push(...(await settled(`still open: ${JSON.stringify(before.extra())}`, () => Object.keys(before.extra()).length === 0)))

const failed = Object.values(tally.failed).reduce((sum, count) => sum + count, 0)
// What was cut behind its head is not lost in silence: nobody could have repaired it.
const counted = tally.answered + failed + tally.wrong
const availability = tally.answered / counted
const quarter = Math.ceil(heapMb.length / 4)
const growthMb = median(heapMb.slice(-quarter)) - median(heapMb.slice(quarter, 2 * quarter))
if (availability < GOAL) problems.push(`only ${(availability * 100).toFixed(3)} % were answered`)
if (tally.wrong > 0) problems.push(`${tally.wrong} answers were not what was sent`)
if (growthMb > MAX_GROWTH_MB) problems.push(`the heap grew by ${growthMb.toFixed(1)} MB`)
if (uncaught.length > 0) problems.push(`uncaught: ${uncaught.slice(0, 3).map(String).join('; ')}`)

console.log(`seed ${seed}, ${totalMs / 1_000} s; what happened to servers: ${JSON.stringify(trouble.steps)}`)
console.log(`${tally.sent} requests: ${JSON.stringify(tally)}`)
console.log(`answered of those that could be: ${(availability * 100).toFixed(4)} % (goal ${GOAL * 100} %)`)
console.log(`heap after collections, MB: ${heapMb.map((mb) => mb.toFixed(1)).join(' ')}; growth ${growthMb.toFixed(2)} MB`)
for (const problem of problems) console.error(`wrong: ${problem}`)
process.exit(problems.length > 0 ? 1 : 0)

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
