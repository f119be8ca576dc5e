// Requests in front, WebSockets behind: a JSON-RPC service that speaks WebSocket only, as an HTTP API.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createRouter, serve, text } from 'gatelet'
import { eventStream } from 'gatelet/core'
import { createWebSocketCalls } from 'gatelet/websocket'
import { WebSocketServer } from 'ws'

// The service behind. It answers calls, and tells everybody when the sum of all has changed.
const service = new WebSocketServer({ port: 0, host: '127.0.0.1' })
await once(service, 'listening')
let sum = 0
service.on('connection', (socket) =>
  socket.on('message', (data) => {
    const { method, params, id } = JSON.parse(String(data))
    if (method !== 'add') {
      socket.send(JSON.stringify({ jsonrpc: '2.0', error: { code: -32601, message: 'Method not found' }, id }))
      return
    }
    sum += Number(params?.[0]) || 0
    socket.send(JSON.stringify({ jsonrpc: '2.0', result: sum, id }))
    for (const client of service.clients) client.send(JSON.stringify({ jsonrpc: '2.0', method: 'sum', params: [sum] }))
  }),
)

// One connection, shared by all requests. Opened now, and again whenever it is lost.
const calls = createWebSocketCalls({
  endpoints: `ws://127.0.0.1:${(service.address() as AddressInfo).port}`,
  timeoutMs: 5_000,
})

const page = await readFile(new URL('http-to-websocket.html', import.meta.url), 'utf8')
const router = createRouter()
  .get('/', () => text(page, { headers: { 'content-type': 'text/html; charset=utf-8' } }))
  .post('/rpc', calls)
  // What the service says unasked, as server-sent events.
  .get('/sums', () =>
    eventStream((events) =>
      calls.listen((frame) => {
        const { method, params } = JSON.parse(String(frame))
        events.send({ event: method, data: params })
      }),
    ),
  )
  .get('/counts', () => text(JSON.stringify(calls.counts())))

const server = await serve(router, { port: Number(process.env['PORT'] ?? 8080) })
console.log(`listening on ${server.url} and asking over a WebSocket`)

process.once('SIGTERM', async () => {
  await server.close({ graceMs: 1_000 })
  await calls.close()
  service.close()
})
