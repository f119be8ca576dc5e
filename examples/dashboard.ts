// Two servers behind a limit and a cache, and a page that shows what becomes of the requests.
import { cache, chain, createBalancer, createRouter, proxy, rateLimit, serve } from 'gatelet'
import { dashboard } from 'gatelet/dashboard'

const { USERS = 'http://127.0.0.1:4001 http://127.0.0.1:4002', PORT = '8080' } = process.env

const users = createBalancer({ name: 'users', endpoints: USERS.split(' ') })
const pages = cache({ name: 'pages' })
const api = chain()
  .use(rateLimit({ name: 'per client', limit: 500, per: '1s' }))
  .use(pages)
  .to(proxy(users))

const router = createRouter()
const page = dashboard({
  // Whoever is on this machine. For others, a function: see below.
  authorize: 'loopback',
  title: 'Users',
  balancers: { users },
  routers: { main: router },
  caches: { pages },
})
router.mount('/users/*rest', api).mount('/admin/*rest', page)

const server = await serve(router, { host: '127.0.0.1', port: Number(PORT) })
console.log(`listening on ${server.url}: see ${server.url}/admin/`)

process.once('SIGTERM', async () => {
  await server.close({ graceMs: 5_000 })
  page.close()
  await users.close()
})
