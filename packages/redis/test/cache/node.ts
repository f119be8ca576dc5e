// One process of several: a cache in memory and Redis in front of an upstream, and a handler that purges.
import { cache, memoryCacheStore, purgeHandler, tiered } from '@gatelet/cache'
import { chain } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { redisCacheStore, redisPurgeChannel } from '@gatelet/redis'
import { createClient } from 'redis'

const client = await createClient({ url: process.env['REDIS'] ?? '', disableOfflineQueue: true }).connect()
const subscriber = await client.duplicate().connect()
const far = redisCacheStore(client, { timeoutMs: 2_000, breaker: { failures: 3, openMs: 100 } })
const near = memoryCacheStore({ maxBytes: 10_000_000 })
const store = tiered(near, far, { channel: redisPurgeChannel(client, subscriber), nearMs: 60_000 })
const layer = cache({ store, storeTimeoutMs: 5_000 })
const cached = chain()
  .use(layer)
  .to(proxy(process.env['UPSTREAM'] ?? ''))
const purge = purgeHandler(layer, { authorize: () => true })
const server = await serve((ctx) => (ctx.request.url.path === '/purge' ? purge(ctx) : cached(ctx)), {
  host: '127.0.0.1',
  port: 0,
})
console.log(`listening at ${server.url}`)
