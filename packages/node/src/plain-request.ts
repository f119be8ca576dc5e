import type { IncomingMessage, Server } from 'node:http'
import { Server as TlsServer } from 'node:tls'
import { isNamed } from '@gatelet/core'
import { connectionOf } from './connection.ts'

/**
 * Serves a request as if it had no `Upgrade` (RFC 9110 §7.8 lets a server ignore it). Once somebody listens for 'upgrade',
 * Node lets every such request go, body and what follows included, and Java's client sends `Upgrade: h2c` with the first
 * request of each connection. So the request is given to Node's parser again, without that field.
 *
 * The server's 'connection' listeners (with TLS, 'secureConnection') see the socket a second time.
 */
export function servePlain(server: Server, req: IncomingMessage, head: Buffer): void {
  let text = `${req.method} ${req.url} HTTP/${req.httpVersion}\r\n`
  const { rawHeaders } = req
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (isNamed(name, 'upgrade')) continue
    const value = rawHeaders[i + 1] as string
    text += `${name}: ${isNamed(name, 'connection') ? withoutUpgrade(value) : value}\r\n`
  }
  req.socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]))
  server.emit(connectionEvent(server), req.socket)
}

/** By which event Node's parser gets its connections. */
function connectionEvent(server: Server): 'connection' | 'secureConnection' {
  return server instanceof TlsServer ? 'secureConnection' : 'connection'
}

function withoutUpgrade(connection: string): string {
  const options = connection.split(',').map((part) => part.trim())
  return options.filter((option) => !isNamed(option, 'upgrade')).join(', ')
}

interface AskingServer extends Server {
  shouldUpgradeCallback?: (req: IncomingMessage) => boolean
}

/**
 * From version 25 on Node reads the body of a request with `Upgrade` itself and hands it on while it still comes, so that
 * the request cannot be parsed again; but it asks before. Told that there is no upgrade, it loses what is pipelined behind
 * the request, so the connection ends with it.
 * @param isWanted whether a request is to be upgraded, by whomever
 * @returns its undo
 */
export function askBeforeUpgrade(server: AskingServer, isWanted: (req: IncomingMessage) => boolean): () => void {
  const before = server.shouldUpgradeCallback
  if (!before || Number.parseInt(process.versions.node, 10) < 25) return () => {}
  server.shouldUpgradeCallback = (req) => {
    if (isWanted(req) || !hasBody(req)) return before.call(server, req)
    connectionOf(req.socket).mustClose = true
    return false
  }
  return () => {
    server.shouldUpgradeCallback = before
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}
