// A gateway that stays up: it passes over who is down or fails, bounds what waits, and lets servers go in order.
import { type Context, chain, createBalancer, createRouter, json, problem, proxy, serve, text } from 'gatelet'
import { loadShedder } from 'gatelet/balancer'
import { subscribe } from 'gatelet/core'

const { SERVERS = 'http://127.0.0.1:4001 http://127.0.0.1:4002', RESERVE = 'http://127.0.0.1:4003' } = process.env
const { PORT = '8080', ADMIN_PORT = '9080' } = process.env

subscribe('endpoint:changed', ({ endpoint, change, reason = '' }) => console.log(endpoint.id, change, reason))

// Who pays waits less than who looks around, and is sent away last.
const priority = ({ request }: Context) => (request.url.path.startsWith('/pay') ? 1 : 0)
const shed = loadShedder({ eventLoopDelayMs: 100, priority })
const shop = createBalancer({
  endpoints: [
    ...SERVERS.split(' '),
    { url: RESERVE, priority: 1 },
    { handler: () => text('Back in a minute.\n', 503), id: 'sorry', priority: 2 },
  ],
  strategy: 'least-requests',
  health: { path: '/healthz', intervalMs: 1_000, failingIntervalMs: 200, timeoutMs: 500 },
  ejection: { consecutiveFailures: 3, baseMs: 10_000 },
  slowStart: { windowMs: 30_000 },
  limits: { perEndpoint: 20 },
  queue: { size: 10, timeoutMs: 1_000 },
  priority,
})
await shop.ready()

const upstream = proxy(shop)
const server = await serve(chain().use(shed).to(upstream), { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -i ${server.url}/`)

// For operators alone: another port, which only this machine reaches.
const operators = createRouter()
  .get('/servers', () => json(shop.endpoints.map(({ id, state, reason, inflight }) => ({ id, state, reason, inflight }))))
  .post('/servers/:at/drain', async (ctx) => {
    const endpoint = shop.endpoints[Number(ctx.state.params.at)]
    if (!endpoint) return problem({ status: 404, title: 'There is no such server' })
    await shop.drain(endpoint.id)
    return json({ id: endpoint.id, inflight: endpoint.inflight })
  })
const admin = await serve(operators, { port: Number(ADMIN_PORT), host: '127.0.0.1' })
console.log(`operators ask ${admin.url}/servers`)

process.once('SIGTERM', async () => {
  await Promise.all([server.close({ graceMs: 10_000 }), admin.close({ graceMs: 1_000 })])
  shed.close()
  await upstream.close()
  await shop.close()
})
