import { createGateway, json, serve } from 'gatelet'

const gateway = createGateway({
  upstreams: {
    users: { endpoints: ['http://127.0.0.1:4001', 'http://127.0.0.1:4002'] },
    orders: { endpoints: [{ url: 'http://127.0.0.1:4003', weight: 3 }, 'http://127.0.0.1:4004'] },
  },
  routes: [
    { path: '/users/*', to: 'users' },
    { path: '/orders/*', to: 'orders' },
    { path: '/livez', to: () => json({ ok: true }) },
  ],
})
const server = await serve(gateway, { port: 8080 })
process.once('SIGTERM', () => server.close({ delayMs: 5_000, graceMs: 30_000 }))
