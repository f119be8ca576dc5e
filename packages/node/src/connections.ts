import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { type TLSSocket, Server as TlsServer } from 'node:tls'
import { connectionOf } from './connection.ts'
import type { OpenConnection } from './open-connection.ts'

/**
 * The open connections of a server: those that are still in their TLS handshake, and upgraded ones, which Node itself loses
 * sight of, among them.
 */
export class OpenConnections {
  readonly all: ReadonlySet<OpenConnection>
  private readonly open = new Set<OpenConnection>()
  private readonly perAddress = new Map<string, number>()
  private readonly isSecure: boolean
  // By their two ends: Node does not tell which connection a TLS socket stands on.
  private readonly shaking = new Map<string, OpenConnection>()

  /** @param maxPerAddress more from one address are closed at once */
  constructor(server: Server, maxPerAddress: number) {
    this.all = this.open
    server.on('connection', (socket: Socket) => this.add(socket, maxPerAddress))
    this.isSecure = server instanceof TlsServer
    server.prependListener('secureConnection', (socket: TLSSocket) => this.secured(socket))
  }

  /** Another object goes on with the connection. */
  replace(before: OpenConnection, after: OpenConnection): void {
    this.open.delete(before)
    if (after.socket.destroyed) return
    this.open.add(after)
    after.socket.on('close', () => this.open.delete(after))
  }

  private add(socket: Socket, maxPerAddress: number): void {
    const connection = connectionOf(socket)
    if (this.open.has(connection)) return // Given to the parser for the second time.
    const { address } = connection
    // Not asked for where nobody needs it: a socket keeps both of its ends from then on.
    const name = this.isSecure ? endsOf(socket) : ''
    const count = (this.perAddress.get(address) ?? 0) + 1
    this.open.add(connection)
    this.perAddress.set(address, count)
    if (this.isSecure) this.shaking.set(name, connection)
    socket.on('close', () => {
      this.open.delete(connection)
      if (this.shaking.get(name) === connection) this.shaking.delete(name)
      const left = (this.perAddress.get(address) ?? 1) - 1
      if (left > 0) this.perAddress.set(address, left)
      else this.perAddress.delete(address)
    })
    if (count > maxPerAddress) socket.destroy()
  }

  private secured(socket: TLSSocket): void {
    const connection = connectionOf(socket)
    const below = this.shaking.get(endsOf(socket))
    if (!below) return // Given to the parser for the second time, or closed by now.
    this.shaking.delete(endsOf(socket))
    // A PROXY header, which comes before TLS, may have said something else than the socket.
    connection.address = connectionOf(below.socket).address
    this.replace(below, connection)
  }
}

const endsOf = ({ remoteAddress, remotePort, localPort }: Socket) => `${remoteAddress} ${remotePort} ${localPort}`
