// WebSockets through the gateway: the handshake takes the way of every request, so layers hold for it too.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createGateway, type Middleware, problem, serve } from 'gatelet'
import { WebSocketServer } from 'ws'

// The server behind: it says everything back.
const echo = new WebSocketServer({ port: 0, host: '127.0.0.1' })
echo.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })))
await once(echo, 'listening')

const onlyWithTicket: Middleware = (ctx, next) =>
  ctx.request.url.search === '?ticket=7' ? next(ctx) : problem({ status: 403, title: 'No ticket, no connection' })

const gateway = createGateway({
  upstreams: { echo: { endpoints: [`http://127.0.0.1:${(echo.address() as AddressInfo).port}`] } },
  routes: [{ path: '/echo', to: 'echo', use: [onlyWithTicket] }],
})
const server = await serve(gateway, { port: Number(process.env['PORT'] ?? 8080) })
console.log(`listening on ${server.url}: try npx wscat -c ${server.url.replace('http', 'ws')}/echo?ticket=7`)

process.once('SIGTERM', async () => {
  // Open sockets have a second to say goodbye.
  await server.close({ graceMs: 1_000 })
  await gateway.close()
  echo.close()
})
