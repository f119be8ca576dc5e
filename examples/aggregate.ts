// The home page of an app in one request: who it is and what they have ordered, and news, which the page can do without.
import { createRouter, proxy, serve } from 'gatelet'
import { subscribe } from 'gatelet/core'
import { aggregate, part, timeout } from 'gatelet/router'
import { z } from 'zod'

const { USERS = 'http://127.0.0.1:4001', ORDERS = 'http://127.0.0.1:4002', NEWS = 'http://127.0.0.1:4003' } = process.env
const { PORT = '8080' } = process.env

const [users, orders, news] = [proxy(USERS), proxy(ORDERS), proxy(NEWS)]

const user = part({
  from: users,
  request: '/users/:id',
  passHeaders: ['authorization'],
  read: z.object({ name: z.string(), account: z.number() }),
  notFound: 'pass',
})

const recent = part({
  from: orders,
  after: { user },
  request: (_, { user }) => ({
    path: '/accounts/:account/orders',
    params: { account: user.account },
    query: { limit: 5 },
  }),
  passHeaders: ['authorization'],
  target: 'data.items',
  deny: ['lines.cost'],
  rename: { 'lines.sku': 'article' },
  group: 'orders.recent',
})

// Somebody else's: it gets neither cookies nor tokens, and has 300 ms.
const latest = part({ from: news, request: '/latest', passQuery: ['lang'], optional: true, timeoutMs: 300 })

subscribe('part:failed', ({ part, error }) =>
  console.log(`${part} is missing: ${error instanceof Error ? error.message : error}`),
)

const home = aggregate({ user, recent, news: latest })
const server = await serve(createRouter().get('/home/:id', timeout({ requestMs: 2_000 }), home), {
  port: Number(PORT),
  host: '127.0.0.1',
})
console.log(`listening on ${server.url}: try curl -i ${server.url}/home/7`)

process.once('SIGTERM', async () => {
  await server.close({ graceMs: 10_000 })
  await Promise.all([users.close(), orders.close(), news.close()])
})
