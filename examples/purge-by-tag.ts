// A gateway of which several run: they share a cache in Redis, each with the most read of it in memory, and hear of each other's purges.
import { timingSafeEqual } from 'node:crypto'
import { cache, chain, createRouter, json, memoryCacheStore, serve } from 'gatelet'
import { cacheable, purgeHandler, tiered } from 'gatelet/cache'
import { redisCacheStore, redisPurgeChannel } from 'gatelet/redis'
import { createClient } from 'redis'

const { PORT = '8080', REDIS_URL = 'redis://127.0.0.1:6379', PURGE_TOKEN = 'change me' } = process.env

const client = createClient({ url: REDIS_URL, disableOfflineQueue: true })
// A connection that only listens: it cannot send commands meanwhile.
const subscriber = client.duplicate()
for (const one of [client, subscriber])
  one.connect().catch(({ message }: Error) => console.log(`no connection to Redis: ${message}`))

const channel = redisPurgeChannel(client, subscriber, { name: 'shop:purges' })
const near = memoryCacheStore({ maxBytes: 64 * 1024 ** 2 })
const store = tiered(near, redisCacheStore(client, { prefix: 'shop:cache:', timeoutMs: 500 }), { channel, nearMs: 10_000 })
const shop = cache({ store, storeTimeoutMs: 500 })

let made = 0
const anHour = cacheable({ ttlMs: 3_600_000, browserMs: 0 })
const pages = createRouter()
  .get('/products/:id', ({ state }) =>
    anHour(json({ id: state.params.id, made: ++made }), [`product-${state.params.id}`, 'products']),
  )
  .get('/', () => anHour(json({ home: true, made: ++made }), ['home', 'products']))

// Who may purge can send every request to the upstream: a secret of its own, and compared in constant time.
const secret = Buffer.from(`Bearer ${PURGE_TOKEN}`)
const purge = purgeHandler(shop, {
  authorize({ request }) {
    const said = Buffer.from(request.headers.get('authorization') ?? '')
    return said.length === secret.length && timingSafeEqual(said, secret)
  },
})

const router = createRouter()
  .get('/livez', () => json({ ok: true, hearsPurges: channel.isLive }, { headers: { 'cache-control': 'no-store' } }))
  .post('/purge', purge)
  .mount('/*rest', chain().use(shop).to(pages))

// PURGE is asked at the URL itself, in front of all routes.
const server = await serve((ctx) => (ctx.request.method === 'PURGE' ? purge(ctx) : router(ctx)), {
  port: Number(PORT),
  host: '127.0.0.1',
})
console.log(`listening on ${server.url}: try curl -i ${server.url}/products/7, twice`)

process.once('SIGTERM', async () => {
  await server.close({ graceMs: 10_000 })
  await channel.close()
  for (const one of [client, subscriber]) one.destroy()
})
