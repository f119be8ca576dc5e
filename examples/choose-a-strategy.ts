// Three sets of servers behind one gateway, each with the strategy that fits it.
import { createBalancer, createRouter, json, proxy, serve } from 'gatelet'
import { boundedLoad, byParam, rendezvous } from 'gatelet/balancer'

const { SEARCH = 'http://127.0.0.1:4001 http://127.0.0.1:4002', PORT = '8080' } = process.env
const { CARTS = 'http://127.0.0.1:4003 http://127.0.0.1:4004 http://127.0.0.1:4005' } = process.env
const { REPORTS = 'http://127.0.0.1:4006 http://127.0.0.1:4007' } = process.env

// Old machines and new ones: who answers sooner gets more.
const search = createBalancer({ endpoints: SEARCH.split(' '), strategy: 'peak-ewma' })

// Each server remembers the carts that it has seen: a cart stays at its server, unless that one has far more to do than others.
const carts = createBalancer({ endpoints: CARTS.split(' '), strategy: boundedLoad(rendezvous), hashKey: byParam('cart') })

// One server works; the next one stands in for it while it does not answer.
const reports = createBalancer({ endpoints: REPORTS.split(' '), strategy: 'first-available' })

const balancers = [search, carts, reports]
const [toSearch, toCarts, toReports] = [proxy(search), proxy(carts), proxy(reports)]
const router = createRouter()
  .route({ path: '/search/*rest' }, toSearch)
  .route({ path: '/carts/:cart' }, toCarts)
  .route({ path: '/reports/*rest' }, toReports)
  .get('/why/:cart', ({ state }) => json(carts.explain({ hashKey: state.params.cart, tried: [] })))

const server = await serve(router, { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -s ${server.url}/why/7`)
process.once('SIGTERM', async () => {
  await server.close({ graceMs: 10_000 })
  await Promise.all([toSearch, toCarts, toReports].map((upstream) => upstream.close()))
  await Promise.all(balancers.map((balancer) => balancer.close()))
})
