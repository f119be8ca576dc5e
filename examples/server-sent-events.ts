// Server-sent events both ways: a chat that speaks WebSocket for pages that take events, and prices that are events for clients
// that speak WebSocket.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createRouter, type Handler, serve, text } from 'gatelet'
import { eventStream } from 'gatelet/core'
import { sseFromWebSocket, webSocketFromSse } from 'gatelet/websocket'
import { WebSocketServer } from 'ws'

// The chat behind: each message gets a number, and whoever says with which one it goes on gets what it has missed.
const chat = new WebSocketServer({ port: 0, host: '127.0.0.1' })
await once(chat, 'listening')
const said: string[] = []
chat.on('connection', (socket) =>
  socket.on('message', (data) => {
    const { from, say } = parsed(String(data))
    if (from !== undefined)
      said.slice(from).forEach((message, at) => void socket.send(JSON.stringify({ id: from + at + 1, message })))
    if (say === undefined) return
    const id = said.push(say)
    for (const client of chat.clients) client.send(JSON.stringify({ id, message: say }))
  }),
)

// Whoever has a token may post anything.
function parsed(text: string): { from?: number; say?: string } {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

// WebSocket behind, events in front. Pages send by POST, with the token that their stream tells them.
const room = sseFromWebSocket({
  endpoints: `ws://127.0.0.1:${(chat.address() as AddressInfo).port}`,
  subscribe: (_ctx, lastEventId) => JSON.stringify({ from: Number(lastEventId ?? 0) }),
  toEvents: (frame) => {
    const { id, message } = JSON.parse(String(frame))
    return { id: String(id), event: 'said', data: message }
  },
  sending: {},
})

// Events that are made here. A proxy to a server of events would do as well.
const prices: Handler = ({ request }) =>
  eventStream(
    (async function* () {
      for (let tick = Number(request.headers.get('last-event-id') ?? 0) + 1; ; tick++) {
        yield { id: String(tick), event: 'price', data: { tea: 300 + (tick % 7) } }
        await delay(200)
      }
    })(),
  )

const page = await readFile(new URL('server-sent-events.html', import.meta.url), 'utf8')
const router = createRouter()
  .get('/', () => text(page, { headers: { 'content-type': 'text/html; charset=utf-8' } }))
  .any('/room', room)
  .get('/prices', prices)
  // Events behind, WebSocket in front.
  .get('/prices/live', webSocketFromSse({ from: prices }))

const server = await serve(router, { port: Number(process.env['PORT'] ?? 8080) })
console.log(`listening on ${server.url} and turning WebSockets and events into each other`)

process.once('SIGTERM', async () => {
  // Streams that are open are ended, and their clients come back to whoever listens then.
  await server.close({ graceMs: 1_000 })
  await room.close()
  chat.close()
})
