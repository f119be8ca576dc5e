// A gateway of which several run: they count together in Redis, and each by itself while Redis is away.
import { chain, createRouter, json, serve } from 'gatelet'
import { subscribe } from 'gatelet/core'
import { byClientAddress, rateLimit } from 'gatelet/rate-limiter'
import { redisRateStore } from 'gatelet/redis'
import { createClient } from 'redis'

const { PORT = '8080', REDIS_URL = 'redis://127.0.0.1:6379' } = process.env

const client = createClient({ url: REDIS_URL, disableOfflineQueue: true })
// Not awaited: a Redis that is away must not keep the gateway from starting.
client.connect().catch(({ message }: Error) => console.log(`no connection to Redis: ${message}`))

const store = redisRateStore(client, { prefix: 'shop:rate:', timeoutMs: 50 })
subscribe('store:changed', ({ store, isAvailable }) => console.log(`${store} is ${isAvailable ? 'back' : 'away'}`))

const limit = rateLimit({
  key: byClientAddress(),
  policies: [
    { name: 'burst', limit: 10, per: '1m', burst: 5 },
    { name: 'hour', limit: 100, per: '1h' },
  ],
  store,
  // `closed` would answer 503 meanwhile, `open` would let everybody pass.
  onStoreError: 'local',
})
const router = createRouter()
  .get('/livez', () => json({ ok: true, redis: store.isAvailable }))
  .get(
    '/orders',
    chain()
      .use(limit)
      .to(() => json([{ id: 1, title: 'tea' }])),
  )

const server = await serve(router, { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -i ${server.url}/orders, and the same at another one`)

process.once('SIGTERM', async () => {
  await server.close({ graceMs: 10_000 })
  await store.close()
  client.destroy()
})
