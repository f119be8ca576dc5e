import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import { createServer } from 'node:https'
import type { SecureContext, TLSSocket, Server as TlsServer } from 'node:tls'
import { type Clock, GatewayError } from '@gatelet/core'
import { type Certificates, filesOf, readCertificates } from './certificates.ts'
import type { ServeTlsOptions } from './options.ts'
import { watchFiles } from './watch-files.ts'

/** A server that speaks TLS, and what reads its files again. */
export interface Secured {
  readonly server: Server
  /** @throws GatewayError `BAD_OPTION`; what was there before stays then */
  reload(): void
}

/**
 * Makes a server for HTTP/1 over TLS.
 * @param options of the HTTP server
 * @param onHttp2 takes the connections whose client chose HTTP/2 (ALPN, RFC 7301); undefined: it is not offered
 * @throws GatewayError `BAD_OPTION`
 */
export function secured(options: object, tls: ServeTlsOptions, clock: Clock, onHttp2?: (socket: TLSSocket) => void): Secured {
  let certificates = readCertificates(tls)
  const { clientCertificates, handshakeTimeoutMs = 10_000 } = tls
  const server = createServer({
    ...options,
    ...certificates.fallback,
    ALPNProtocols: onHttp2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    handshakeTimeout: handshakeTimeoutMs,
    requestCert: clientCertificates !== undefined,
    rejectUnauthorized: clientCertificates !== undefined && clientCertificates.required !== false,
    SNICallback: (name: string, done: (error: Error | null, context?: SecureContext) => void) =>
      done(null, certificates.contextFor(name)),
  })
  if (onHttp2) divert(server, onHttp2)
  server.prependListener('secureConnection', (socket) => socket.disableRenegotiation())
  const reload = () => {
    certificates = readCertificates(tls)
    applyTo(server, certificates)
  }
  const stop = watchFiles(filesOf(tls), () => reloadQuietly(reload), clock)
  server.once('close', stop)
  return { server, reload }
}

function applyTo(server: TlsServer, { fallback }: Certificates): void {
  server.setSecureContext(fallback)
  // A session that was begun under the old authorities must not be taken up again under the new ones.
  server.setTicketKeys(randomBytes(48))
}

function reloadQuietly(reload: () => void): void {
  try {
    reload()
  } catch (error) {
    const { message } = error as GatewayError
    process.emitWarning(`kept the certificates as they were: ${message}`, 'GateletWarning')
  }
}

/** Node's parser gets what is left. */
function divert(server: Server & TlsServer, onHttp2: (socket: TLSSocket) => void): void {
  const parsers = server.listeners('secureConnection') as ((socket: TLSSocket) => void)[]
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') onHttp2(socket)
    else for (const parser of parsers) parser.call(server, socket)
  })
}

/** For a server without TLS. */
export function unsecured(): never {
  throw new GatewayError('BAD_OPTION', { path: 'tls', message: 'reloadTls: the server was started without the option tls' })
}
