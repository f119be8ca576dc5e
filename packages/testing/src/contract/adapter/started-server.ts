import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { StartedAdapter } from './scene.ts'

/** Lets a server listen on a free port of 127.0.0.1. Closing it destroys whatever is connected, upgraded connections too. */
export async function startedServer(server: Server): Promise<StartedAdapter> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      const gone = [...sockets].map((socket) => new Promise((resolve) => socket.on('close', resolve)))
      for (const socket of sockets) socket.destroy()
      await Promise.all([closed, ...gone])
    },
  }
}
