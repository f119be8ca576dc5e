import { chain, createBalancer, createRouter, json, proxy, serve } from 'gatelet'

const users = createBalancer({ endpoints: ['http://127.0.0.1:4001', 'http://127.0.0.1:4002'] })
const orders = createBalancer({ endpoints: [{ url: 'http://127.0.0.1:4003', weight: 3 }, 'http://127.0.0.1:4004'] })

const counted = chain().provide(() => ({ startedAt: Date.now() }))
const router = createRouter()
  .get('/livez', () => json({ ok: true }))
  .get('/orders/:id/age', (ctx) => json({ id: ctx.state.params.id }))
  .mount('/users', counted.to(proxy(users)))
  .mount('/orders', proxy(orders))

const server = await serve(router, { port: 8080 })
process.once('SIGTERM', () => server.close({ delayMs: 5_000, graceMs: 30_000 }))
