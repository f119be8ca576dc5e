// A gateway whose servers come and go: the list is in a file, which somebody else keeps up to date.
import { createBalancer, createRouter, json, proxy, serve } from 'gatelet'
import { watchedFile } from 'gatelet/balancer'
import { subscribe } from 'gatelet/core'

const { ENDPOINTS = 'endpoints.json', PORT = '8080' } = process.env

subscribe('discovery:updated', ({ source, endpoints }) => console.log(`${source}: ${endpoints} endpoints`))
subscribe('discovery:failed', ({ error }) => console.log(`kept what was known: ${error.message}`))

const balancer = createBalancer({ endpoints: watchedFile(ENDPOINTS) })
await balancer.ready()
const upstream = proxy(balancer)
const router = createRouter()
  .get('/livez', () => json({ ok: true, discovery: balancer.discovery?.state }))
  .route({ path: '/*rest' }, upstream)
const server = await serve(router, { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -i ${server.url}/livez`)
process.once('SIGTERM', async () => {
  await server.close({ graceMs: 10_000 })
  await upstream.close()
  await balancer.close()
})
