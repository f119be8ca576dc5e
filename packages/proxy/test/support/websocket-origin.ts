// Says back what it gets, in a process of its own: node websocket-origin.ts
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/** Where it listens. */
export interface Listening {
  readonly port: number
}

const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 4_096, perMessageDeflate: false })
sockets.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  socket.on('error', () => {})
})
sockets.on('listening', () => process.send?.({ port: (sockets.address() as AddressInfo).port } satisfies Listening))
