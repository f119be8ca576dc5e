import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { addressRanges, type Clock, canonicalAddress, isWithin, readProxyHeader } from '@gatelet/core'
import { type Connection, connectionOf } from './connection.ts'
import { readAhead } from './read-ahead.ts'

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
  readAhead(socket, {
    clock,
    timeoutMs: HEADER_MS,
    read(bytes) {
      const header = readProxyHeader(bytes)
      return typeof header === 'object' ? { taken: header.length, address: header.address } : header
    },
    found({ address }) {
      connection.hasProxyHeader = true
      connection.address = address ?? connection.address
      handOver(socket)
    },
  })
}
