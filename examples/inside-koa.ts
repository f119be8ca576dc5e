// A Koa application: a limiter in front of its own middleware, servers behind a balancer under a path, WebSockets.
import { createServer } from 'node:http'
import { attach, chain, createBalancer, type Handler, proxy } from 'gatelet'
import { toKoa } from 'gatelet/koa'
import Koa, { type Middleware } from 'koa'
import bodyParser from 'koa-bodyparser'
import { Server } from 'socket.io'
import { limit } from './limit.ts'

const { USERS = 'http://127.0.0.1:4001 http://127.0.0.1:4002', PORT = '8080' } = process.env

const balancer = createBalancer({ endpoints: USERS.split(' ') })
const users = proxy(balancer)
const broken: Handler = () => {
  throw new Error('the layer is broken')
}

const app = new Koa({ proxy: true })
app.silent = true
// What Koa believes about `X-Forwarded-For` is what the layers believe, and what servers behind are told.
const trustedProxies = 'framework'

/** Koa has no mounts of its own. (`koa-mount` works too: the layer sees what that leaves of the path.) */
const under =
  (path: string, middleware: Middleware): Middleware =>
  (ctx, next) =>
    ctx.path === path || ctx.path.startsWith(`${path}/`) ? middleware(ctx, next) : next()

// Whoever stands in front of the layers sees what comes out of them, and what they have thrown.
app.use(async (ctx, next) => {
  try {
    await next()
  } catch (error) {
    ctx.status = 500
    ctx.body = `Sorry: ${(error as Error).message}`
  }
})

// Servers behind a path, which they see as a whole.
app.use(under('/users', toKoa(users, { trustedProxies })))

// What a parser has read is sent on all the same.
app.use(bodyParser())
app.use(under('/forms', toKoa(users, { trustedProxies })))
app.use(under('/broken', toKoa(broken, { passErrors: true, trustedProxies })))

// Access depends on the path: whatever could be read in two ways is refused before a router reads it.
app.use(under('/admin', toKoa(chain(), { strictPaths: true, trustedProxies })))

// A layer in front of all that follows, which asks what the layer has learned.
const limited = toKoa(chain().use(limit(100)), { trustedProxies })
app.use(limited)
app.use((ctx) => {
  ctx.body = { path: ctx.path, left: limited.state(ctx).left }
})

// Koa knows no WebSockets: those under /live go through the balancer, socket.io keeps its own.
const server = createServer(app.callback())
const sockets = new Server(server)
sockets.on('connection', (socket) => socket.on('echo', (word: string, answer: (word: string) => void) => answer(word)))
attach(server, users, { mount: '/live', trustedProxies: ['127.0.0.0/8'] })

server.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : PORT
  console.log(`listening on http://127.0.0.1:${port}: try /users/7, /orders/42 and /broken`)
})
process.once('SIGTERM', async () => {
  await sockets.close()
  await users.close()
  await balancer.close()
})
