import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { WebSocketServer } from 'ws'

/** A server that says back what it is told, and streams events that are numbered through. */
export interface ChatServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** `Last-Event-ID` of each stream that was opened; undefined for the first of a page. */
  readonly lastEventIds: readonly (string | undefined)[]
}

/** @param name is said with all that it says @param port 0 takes a free one */
export async function chatServer(name: string, port = 0): Promise<ChatServer> {
  const lastEventIds: (string | undefined)[] = []
  const open = new Set<Socket>()
  const server = createServer((req, res) => {
    const last = req.headers['last-event-id'] as string | undefined
    lastEventIds.push(last)
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write(`retry: 100\nid: ${Number(last ?? 0) + 1}\ndata: from ${name}\n\n`)
  })
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.on('message', (data) => socket.send(`${name} heard ${data}`))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: listensOn } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${listensOn}`,
    port: listensOn,
    lastEventIds,
    async [Symbol.asyncDispose]() {
      // As a process that is killed.
      for (const socket of open) socket.destroy()
      sockets.close()
      server.close()
      await once(server, 'close')
    },
  }
}
