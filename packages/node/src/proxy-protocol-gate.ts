import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { addressRanges, type Clock, canonicalAddress, isWithin } from '@gatelet/core'
import { type Connection, connectionOf } from './connection.ts'
import { readProxyHeader } from './proxy-protocol.ts'

// How long a peer may take for its header; it is the first thing that it sends.
const HEADER_MS = 5_000

/**
 * Reads a PROXY protocol header from every connection of these peers before Node's parser sees its first byte. To be
 * called before anybody else listens for connections.
 */
export function expectProxyHeaders(server: Server, from: readonly string[], clock: Clock): void {
  const ranges = addressRanges(from, 'proxyProtocol.from')
  const parsers = server.listeners('connection') as ((socket: Socket) => void)[]
  const handOver = (socket: Socket) => {
    for (const parser of parsers) parser.call(server, socket)
  }
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const connection = connectionOf(socket)
    const isExpected = !connection.hasProxyHeader && isWithin(canonicalAddress(connection.address) ?? '', ranges)
    if (isExpected) awaitHeader(connection, clock, handOver)
    else handOver(socket)
  })
}

function awaitHeader(connection: Connection, clock: Clock, handOver: (socket: Socket) => void): void {
  const { socket } = connection
  let received: Buffer = Buffer.alloc(0)

  const read = () => {
    const chunk = socket.read() as Buffer | null
    if (!chunk) return
    received = Buffer.concat([received, chunk])
    const header = readProxyHeader(received)
    if (header === undefined) return
    if (header === 'invalid') {
      socket.destroy()
      return
    }
    stop()
    connection.hasProxyHeader = true
    connection.address = header.address ?? connection.address
    if (received.length > header.length) socket.unshift(received.subarray(header.length))
    handOver(socket)
  }
  const give = () => void socket.destroy()
  const stop = () => {
    cancelTimer()
    socket.off('readable', read)
    socket.off('end', give)
    socket.off('error', give)
    socket.off('close', stop)
  }
  const cancelTimer = clock.setTimer(give, HEADER_MS)
  socket.on('readable', read)
  socket.on('end', give)
  socket.on('error', give)
  socket.on('close', stop)
}
