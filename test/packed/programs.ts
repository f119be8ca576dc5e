/** Programs as users write them, to the letter. Whoever runs them replaces the addresses. */

export const twoUpstreams: string = `
import { createBalancer, createRouter, json, proxy, serve } from 'gatelet'

const users = createBalancer({ endpoints: ['http://10.0.0.1:4001', 'http://10.0.0.2:4001'] })
const orders = createBalancer({
  endpoints: [{ url: 'http://10.0.0.3:4002', weight: 3 }, { url: 'http://10.0.0.4:4002', weight: 1 }],
  strategy: 'least-requests',
})
const router = createRouter()
  .get('/livez', () => json({ ok: true }))
  .mount('/users/*rest', proxy(users))
  .mount('/orders/*rest', proxy(orders))
const server = await serve(router, { port: 8080, trustedProxies: ['10.0.0.0/8'] })
process.once('SIGTERM', async () => {
  await server.close({ delayMs: 5_000, graceMs: 30_000 })   // readiness fails at once; still accepts for 5 s
  await Promise.all([users.close(), orders.close()])
})
`

export const guardedUpstreams: string = `
import { auth, cache, chain, createBalancer, createRouter, json, jwt, proxy, rateLimit, scope, serve } from 'gatelet'

const users = createBalancer({ endpoints: ['http://10.0.0.1:4001', 'http://10.0.0.2:4001'], health: { path: '/healthz' } })
const orders = createBalancer({
  endpoints: [{ url: 'http://10.0.0.3:4002', weight: 3 }, { url: 'http://10.0.0.4:4002', weight: 1 }],
  strategy: 'least-requests',
})
const verify = jwt({ issuer: 'https://id.example.com/', audience: 'https://api.example.com', algorithms: ['RS256'] })
const api = chain()
  .use(rateLimit({ limit: 50, per: '1s', burst: 100 }))
  .use(auth(verify, { require: scope('read') }))
  .use(rateLimit({ limit: 5000, per: '1h', key: (ctx) => ctx.state.principal.subject }))
  .use(cache({ per: 'principal' }))
const router = createRouter()
  .get('/livez', () => json({ ok: true }))
  .mount('/users/*rest', api.to(proxy(users)))
  .mount('/orders/*rest', api.to(proxy(orders)))
const server = await serve(router, { port: 8080, trustedProxies: ['10.0.0.0/8'] })
process.once('SIGTERM', async () => {
  await server.close({ delayMs: 5_000, graceMs: 30_000 })   // readiness fails at once; still accepts for 5 s
  await Promise.all([users.close(), orders.close()])
})
`

export const cheapestFirst: string = `
import { createBalancer, proxy, serve, type Endpoint, type StrategyFactory } from 'gatelet'

const price = (endpoint: Endpoint) => Number(endpoint.metadata['price'] ?? 0)
export const cheapestFirst: StrategyFactory = () => {
  let ranked: readonly Endpoint[] = []
  return {
    update(endpoints) { ranked = [...endpoints].sort((a, b) => price(a) - price(b)) },
    pick(context) {
      let best: Endpoint | undefined
      for (const endpoint of ranked) {
        if (!context.accepts(endpoint)) continue
        if (best && price(endpoint) > price(best)) break
        if (!best || endpoint.inflight < best.inflight) best = endpoint
      }
      return best
    },
  }
}   // its test: describeStrategy('cheapestFirst', cheapestFirst) from '@gatelet/testing'
const endpoints = [{ url: 'http://10.0.0.1:4001', metadata: { price: 1 } }, { url: 'http://10.0.0.2:4001', metadata: { price: 3 } }]
await serve(proxy(createBalancer({ endpoints, strategy: cheapestFirst })), { port: 8080 })
`

export const wholeGateway: string = `
import { chain, createGateway, GatewayError, type GatewayOptions, json, type Middleware, serve } from 'gatelet'
import { stripPrefix } from 'gatelet/router'

const named: Middleware<{}, { caller: string }> = (ctx, next) => next(ctx.with({ caller: ctx.request.client.address }))
const options = {
  upstreams: { users: { endpoints: ['http://10.0.0.1:4001'], proxy: { retries: 1 } } },
  routes: [
    { path: '/livez', to: () => json({ ok: true }) },
    { path: '/who', to: chain().use(named).to((ctx) => json({ caller: ctx.state.caller })) },
    { path: '/users/*', to: 'users', use: [stripPrefix()] },
  ],
} satisfies GatewayOptions<'users'>
const gateway = createGateway(options)
const server = await serve(gateway, { port: 8080 })
try {
  await gateway.replace({ ...options, routes: [{ path: 'users', to: 'users' }] })
} catch (error) {
  if (!(error instanceof GatewayError)) throw error
  console.error('kept the old configuration:', error.message)
}
process.once('SIGTERM', () => void server.close({ graceMs: 30_000 }).then(() => gateway.close()))
`

/** Plain JavaScript: it runs as it is. */
export const limitedExpress: string = `
import express from 'express'
import { rateLimit } from 'gatelet'
import { toExpress } from 'gatelet/express'

const app = express().set('trust proxy', 1)
const perClient = rateLimit({ limit: 100, per: '1m', burst: 20 })          // key: client address, IPv6 by /64
const login = rateLimit({ policies: [
  { name: 'burst', limit: 5, per: '10s' },
  { name: 'hour', limit: 20, per: '1h', key: (ctx) => ctx.request.client.address },
] })
app.use('/api', toExpress(perClient, { trustedProxies: 'framework' }))     // adds RateLimit headers to res.json()
app.post('/login', toExpress(login, { trustedProxies: 'framework' }), (req, res) => res.json({ ok: true }))
app.get('/api/orders/:id', (req, res) => res.json({ id: req.params.id }))
app.listen(8080)
`

export const limitedMembers: string = `
import { chain, json, type Middleware, rateLimit, serve } from 'gatelet'
import { byPrincipal } from 'gatelet/rate-limiter'

const auth: Middleware<{}, { principal: { subject: string } }> = (ctx, next) =>
  next(ctx.with({ principal: { subject: ctx.request.headers.get('x-user') ?? 'nobody' } }))
const members = chain()
  .use(rateLimit({ limit: 50, per: '1s', burst: 100 }))
  .use(auth)
  .use(rateLimit({ limit: 2, per: '1h', key: (ctx) => ctx.state.principal.subject }))
  .use(rateLimit({ limit: 1_000, per: 'day', key: byPrincipal(), as: 'tokens' }))
  .to(async (ctx) => {
    await ctx.state.tokens.settle(10)
    return json({ you: ctx.state.principal.subject })
  })
await serve(members, { port: 8080 })
`
