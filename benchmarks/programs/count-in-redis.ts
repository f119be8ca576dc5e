/** Decides in Redis again and again, in turns with whoever else does, and writes the CPU time of each as JSON. */
import type { RateRule } from '@gatelet/rate-limiter'
import { redisRateStore } from '@gatelet/redis'
import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { createClient } from 'redis'

const [, , url = '', rounds = '', perRound = ''] = process.argv
const policies = [
  { name: 'burst', count: 1_000_000, seconds: 1 },
  { name: 'hour', count: 1_000_000_000, seconds: 3_600 },
]

const nodeRedis = createClient({ url })
await nodeRedis.connect()
const ioRedis = new Redis(url)
await ioRedis.ping()

/** A client, and what it is asked for. Every key may: what is over its limit would not be asked. */
interface Subject {
  readonly client: string
  readonly what: 'ping' | 'gatelet' | 'flexible'
  readonly ask: (key: string) => unknown
}

const subjects: readonly Subject[] = [
  { client: 'node-redis', what: 'ping', ask: () => nodeRedis.ping() },
  { client: 'node-redis', what: 'gatelet', ask: gatelet(nodeRedis) },
  { client: 'node-redis', what: 'flexible', ask: flexible(nodeRedis, true) },
  { client: 'ioredis', what: 'ping', ask: () => ioRedis.ping() },
  { client: 'ioredis', what: 'gatelet', ask: gatelet(ioRedis) },
  { client: 'ioredis', what: 'flexible', ask: flexible(ioRedis, false) },
]

function gatelet(client: typeof nodeRedis | typeof ioRedis): Subject['ask'] {
  const store = redisRateStore(client, { timeoutMs: 60_000 })
  const rules = policies.map(
    ({ name, count, seconds }): RateRule => ({ algorithm: 'gcra', name, limit: count, windowMs: seconds * 1_000, burst: count }),
  )
  return (key) => store.take(rules.map((rule) => ({ rule, key, cost: 1 })))
}

function flexible(storeClient: unknown, useRedisPackage: boolean): Subject['ask'] {
  const limiters = policies.map(
    ({ name, count, seconds }) =>
      new RateLimiterRedis({ storeClient, useRedisPackage, keyPrefix: name, points: count, duration: seconds }),
  )
  return (key) => Promise.all(limiters.map((limiter) => limiter.consume(key)))
}

/** CPU time of this process for one decision, in microseconds. @param abreast so many are under way at the same time */
async function measured({ ask }: Subject, abreast: number): Promise<number> {
  const times = Number(perRound)
  let left = times
  const worker = async () => {
    while (left-- > 0) await ask(`10.0.${left % 40}.${left % 50}`)
  }
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: abreast }, worker))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times
}

const results = subjects.flatMap((subject) => [1, 64].map((abreast) => ({ subject, abreast, cpuUs: [] as number[] })))
for (const { subject, abreast } of results) await measured(subject, abreast)
for (let round = 0; round < Number(rounds); round++) {
  for (const { subject, abreast, cpuUs } of results) cpuUs.push(await measured(subject, abreast))
}
console.log(JSON.stringify(results.map(({ subject: { client, what }, abreast, cpuUs }) => ({ client, what, abreast, cpuUs }))))
nodeRedis.destroy()
ioRedis.disconnect()
