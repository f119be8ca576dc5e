// One way in for a shop: by host, path, method, header, query and tenant. Operators ask why a request goes where it goes, and change
// the routes while requests come in.
import { createRouter, type Handler, json, problem, proxy, serve, stripPrefix, text } from 'gatelet'
import { explanationText, type HostRoutes } from 'gatelet/router'

const { USERS = 'http://127.0.0.1:4001', ORDERS = 'http://127.0.0.1:4002', NEXT = 'http://127.0.0.1:4003' } = process.env
const { PORT = '8080', ADMIN_PORT = '8081' } = process.env
const [users, orders, next] = [proxy(USERS), proxy(ORDERS), proxy(NEXT)]

// What the pattern around it captured is in its state.
const teams = createRouter<{ params: { team: string } }>()
  .get('/', (ctx) => json({ team: ctx.state.params.team }))
  .mount('/users', stripPrefix(), users)

const livez = () => json({ ok: true })
const list: Handler<{ params: { list: string } }> = ({ state }) => json({ list: state.params.list })
const office = () => json({ admin: true })
const sale = () => text('Everything must go')

let isSale = false
const order = { method: ['GET', 'DELETE'], path: '/orders/:id', where: { id: 'int' } } as const

// The order plays no part: the route that says more goes first.
function define(routes: HostRoutes): void {
  routes
    .get('/livez', livez)
    .mount('/users', users)
    .mount('/teams/:team', teams)
    .route(order, orders)
    .route({ ...order, headers: { 'x-api-version': '2' } }, next)
    .route({ ...order, query: { preview: ['yes', '1'] } }, next)
    .get('/orders/:list', list)
    .route({ path: '/beta/*rest', tenant: ['acme', 'initech'] }, next)
    .host('admin.shop.example', (admin) => admin.mount('/', office))
  if (isSale) routes.get('/sale', sale)
}

const router = createRouter(define, {
  trailingSlash: 'redirect',
  tenant: ({ request }) => /^([a-z]+)\.shop\.example$/.exec(request.url.host)?.[1],
  notFound: () => problem({ status: 404, title: 'The shop has no such page' }),
})
for (const { wins, loses, kind } of router.conflicts()) console.log(`${kind}: ${wins} goes before ${loses}`)

const server = await serve(router, { port: Number(PORT), host: '127.0.0.1' })

// For operators, on a port that clients do not reach: /why/GET/localhost/orders/7
const operators = createRouter()
  .get('/why/:method/:host/*path', ({ state: { params }, request }) => {
    const url = { host: params.host, path: `/${params.path}`, search: request.url.search }
    return text(explanationText(router.explain({ method: params.method, url })))
  })
  .post('/sale', () => {
    isSale = !isSale
    return json(router.replace(define))
  })
const admin = await serve(operators, { port: Number(ADMIN_PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -i ${server.url}/orders/7`)
console.log(`operators ask ${admin.url}/why/GET/localhost/orders/7`)

process.once('SIGTERM', async () => {
  await Promise.all([server.close({ graceMs: 10_000 }), admin.close()])
  await Promise.all([users.close(), orders.close(), next.close()])
})
