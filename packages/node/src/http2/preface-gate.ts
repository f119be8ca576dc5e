import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '@gatelet/core'
import { connectionOf } from '../connection.ts'
import { type Ahead, readAhead } from '../read-ahead.ts'

// RFC 9113 §3.4.
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/**
 * Tells by the first bytes of each connection whether HTTP/2 or HTTP/1 comes (prior knowledge, RFC 9113 §3.3). To be called
 * before anybody else listens for connections.
 * @param timeoutMs how long a connection may be silent before its first request
 */
export function expectPrefaces(server: Server, onHttp2: (socket: Socket) => void, clock: Clock, timeoutMs: number): void {
  const parsers = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const connection = connectionOf(socket)
    const handOver = () => {
      for (const parser of parsers) parser.call(server, socket)
    }
    if (connection.isTold) {
      handOver()
      return
    }
    readAhead(socket, {
      clock,
      timeoutMs,
      read: readPreface,
      found({ isHttp2 }) {
        connection.isTold = true
        if (isHttp2) onHttp2(socket)
        else handOver()
      },
    })
  })
}

function readPreface(bytes: Buffer): (Ahead & { isHttp2: boolean }) | undefined {
  const known = Math.min(bytes.length, preface.length)
  if (bytes.compare(preface, 0, known, 0, known) !== 0) return { taken: 0, isHttp2: false }
  return known < preface.length ? undefined : { taken: 0, isHttp2: true }
}
