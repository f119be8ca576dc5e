// A Hono application that gives two of its paths away: one to servers behind a balancer, one to itself behind a layer.
import { type HttpBindings, serve } from '@hono/node-server'
import { chain, createBalancer, type Middleware, problem, proxy } from 'gatelet'
import { fromFetch, toFetch } from 'gatelet/fetch'
import { Hono } from 'hono'

const { USERS = 'http://127.0.0.1:4001 http://127.0.0.1:4002', PORT = '8080' } = process.env

const balancer = createBalancer({ endpoints: USERS.split(' ') })
const users = proxy(balancer)

const membersOnly: Middleware = (ctx, next) =>
  ctx.request.headers.get('x-api-key') === 'k-ada' ? next(ctx) : problem({ status: 401, title: 'Who are you?' })

const admin = new Hono().get('/admin/servers', (c) =>
  c.json(balancer.endpoints.map(({ id, state, inflight }) => ({ id, state, inflight }))),
)

// A Request does not say who sent it: that is in what the host gives along.
const client = (_: Request, env: HttpBindings) => env.incoming.socket.remoteAddress
const toUsers = toFetch(users, { client })
const toAdmin = toFetch(chain().use(membersOnly).to(fromFetch(admin.fetch)), { client })

const app = new Hono<{ Bindings: HttpBindings }>()
  .get('/livez', (c) => c.json({ ok: true }))
  .all('/users/*', (c) => toUsers(c.req.raw, c.env))
  .all('/admin/*', (c) => toAdmin(c.req.raw, c.env))

const server = serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' }, ({ port }) =>
  console.log(`listening on http://127.0.0.1:${port}: try /livez, /users/7 and /admin/servers`),
)
process.once('SIGTERM', () => {
  server.close(async () => {
    await users.close()
    await balancer.close()
  })
})
