// A chat whose service speaks no WebSocket: messages of clients become requests to it, and its requests become messages.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json as jsonOf } from 'node:stream/consumers'
import { createBalancer, createRouter, proxy, serve, text } from 'gatelet'
import { createWebSocketApi, type WebSocketEvent, webSocketManagement } from 'gatelet/websocket'

const { PORT = '8080', SECRET = crypto.randomUUID() } = process.env

// The service: a plain HTTP server, which keeps nothing but who is there. It could be a function, or many servers.
const members = new Set<string>()
const service = createServer(async (req, res) => {
  const { requestContext, body = '' } = (await jsonOf(req)) as WebSocketEvent
  const { connectionId, routeKey } = requestContext
  if (routeKey === '$connect') members.add(connectionId)
  if (routeKey === '$disconnect') members.delete(connectionId)
  if (routeKey === 'say') await Promise.all([...members].map((id) => post(id, JSON.parse(body).text)))
  // To whoever asked: the route `count` sends its reply back.
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ members: members.size }))
}).listen(0, '127.0.0.1')
await once(service, 'listening')

// 410: the client has left, and $disconnect is on its way or was lost.
async function post(connectionId: string, message: string): Promise<void> {
  const request = { method: 'POST', headers: { authorization: `Bearer ${SECRET}` }, body: message }
  const { status } = await fetch(`${server.url}/@connections/${connectionId}`, request)
  if (status === 410) members.delete(connectionId)
}

const chat = createBalancer({ endpoints: [`http://127.0.0.1:${(service.address() as AddressInfo).port}`] })
const ask = proxy(chat)
const api = createWebSocketApi({
  routes: { $connect: ask, $disconnect: ask, say: ask, count: { to: ask, respond: true } },
  messagesPerSecond: 20,
})
const page = await readFile(new URL('websocket-to-http.html', import.meta.url), 'utf8')

const router = createRouter()
  .get('/', () => text(page, { headers: { 'content-type': 'text/html; charset=utf-8' } }))
  .get('/chat', api)
  .mount(
    '/@connections/*rest',
    webSocketManagement({ api, authorize: ({ request }) => request.headers.get('authorization') === `Bearer ${SECRET}` }),
  )
const server = await serve(router, { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url} : open it in two windows`)
process.once('SIGTERM', async () => {
  await server.close({ graceMs: 5_000 })
  await Promise.all([api.close(), chat.close()])
  service.close()
})
