import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { isNamed } from '@gatelet/core'

/**
 * Serves a request as if it had no `Upgrade` (RFC 9110 §7.8 lets a server ignore it). Once somebody listens for 'upgrade',
 * Node lets every such request go, body and what follows included, and Java's client sends `Upgrade: h2c` with the first
 * request of each connection. So the request is given to Node's parser again, without that field.
 *
 * The server's 'connection' listeners see the socket a second time.
 */
export function servePlain(server: Server, req: IncomingMessage, socket: Socket, head: Buffer): void {
  let text = `${req.method} ${req.url} HTTP/${req.httpVersion}\r\n`
  const { rawHeaders } = req
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (isNamed(name, 'upgrade')) continue
    const value = rawHeaders[i + 1] as string
    text += `${name}: ${isNamed(name, 'connection') ? withoutUpgrade(value) : value}\r\n`
  }
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]))
  server.emit('connection', socket)
}

function withoutUpgrade(connection: string): string {
  const options = connection.split(',').map((part) => part.trim())
  return options.filter((option) => !isNamed(option, 'upgrade')).join(', ')
}
