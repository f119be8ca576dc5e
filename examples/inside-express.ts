// An Express application: a limiter in front of one of its routes, servers behind a balancer under a path, two kinds of WebSocket.
import { createServer } from 'node:http'
import express, { type ErrorRequestHandler } from 'express'
import { attach, chain, createBalancer, type Handler, proxy } from 'gatelet'
import { toExpress } from 'gatelet/express'
import { Server } from 'socket.io'
import { limit } from './limit.ts'

const { USERS = 'http://127.0.0.1:4001 http://127.0.0.1:4002', PORT = '8080' } = process.env

const balancer = createBalancer({ endpoints: USERS.split(' ') })
const users = proxy(balancer)
const broken: Handler = () => {
  throw new Error('the layer is broken')
}

const app = express().set('trust proxy', 'loopback')
// What Express believes about `X-Forwarded-For` is what the layers believe, and what servers behind are told.
const trustedProxies = 'framework'

// Servers behind a path: they see `/7` of `/users/7`, and the `Location: /home` of one is `/users/home` to the client.
app.use('/users', toExpress(users, { trustedProxies }))

// What a parser has read is sent on all the same.
app.use('/forms', express.json(), express.urlencoded({ extended: true }), toExpress(users, { trustedProxies }))

// A layer in front of a route of Express's own, which asks what the layer has learned.
const limited = toExpress(chain().use(limit(100)), { trustedProxies })
app.get('/orders/:id', limited, (req, res) => {
  res.json({ id: req.params.id, left: limited.state(req).left })
})

// Access depends on the path: whatever could be read in two ways is refused before Express's router reads it.
app.use('/admin', toExpress(chain(), { strictPaths: true, trustedProxies }), (req, res) => {
  res.json({ admin: req.path })
})

// Errors in the layers go where all others of the application go.
app.use('/broken', toExpress(broken, { passErrors: true, trustedProxies }))
const onError: ErrorRequestHandler = (error, _req, res, _next) => {
  res.status(500).send(`Sorry: ${error.message}`)
}
app.use(onError)

// Express knows no WebSockets: those under /live go through the balancer, socket.io keeps its own.
const server = createServer(app)
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
