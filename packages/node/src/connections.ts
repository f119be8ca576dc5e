import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { type Connection, connectionOf } from './connection.ts'

/**
 * The open connections of a server, upgraded ones too, which Node itself loses sight of.
 * @param maxPerAddress more from one address are closed at once
 */
export function trackConnections(server: Server, maxPerAddress: number): ReadonlySet<Connection> {
  const open = new Set<Connection>()
  const perAddress = new Map<string, number>()

  server.on('connection', (socket: Socket) => {
    const connection = connectionOf(socket)
    if (open.has(connection)) return // Given to the parser for the second time.
    const { address } = connection
    const count = (perAddress.get(address) ?? 0) + 1
    open.add(connection)
    perAddress.set(address, count)
    socket.on('close', () => {
      open.delete(connection)
      const left = (perAddress.get(address) ?? 1) - 1
      if (left > 0) perAddress.set(address, left)
      else perAddress.delete(address)
    })
    if (count > maxPerAddress) socket.destroy()
  })
  return open
}
