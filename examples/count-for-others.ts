// Two gateways and a process that counts for both, in one program: each would run by itself.
import { chain, json, serve } from 'gatelet'
import { byClientAddress, rateLimit } from 'gatelet/rate-limiter'
import { counting, httpRateStore } from './http-rate-store.ts'

const { PORT = '8080', COUNT_PORT = '0' } = process.env
const count = await serve(counting(), { host: '127.0.0.1', port: Number(COUNT_PORT) })

function gateway(port: number) {
  const limit = rateLimit({
    key: byClientAddress(),
    policies: [
      { name: 'burst', limit: 5, per: '1m' },
      { name: 'at-once', limit: 10, algorithm: 'concurrency' },
    ],
    store: httpRateStore(count.url),
    onStoreError: 'local',
  })
  const handler = chain()
    .use(limit)
    .to(() => json({ ok: true }))
  return serve(handler, { host: '127.0.0.1', port })
}
const gateways = [await gateway(Number(PORT)), await gateway(0)]
console.log(`the other gateway: ${gateways[1]?.url}`)
console.log(`listening on ${gateways[0]?.url} `)

process.once('SIGTERM', async () => {
  await Promise.all(gateways.map((server) => server.close({ graceMs: 1_000 })))
  await count.close({ graceMs: 1_000 })
})
