import { createServer, type Server } from 'node:http'
import { type AddressInfo, isIPv6, type Socket } from 'node:net'
import { handlerOf, type Layer } from '@gatelet/core'
import { Adapter } from './adapter.ts'
import { addAttachment } from './attachments.ts'
import { type CloseSummary, Closing } from './closing.ts'
import { OpenConnections } from './connections.ts'
import type { Http2Options } from './http2/options.ts'
import { expectPrefaces } from './http2/preface-gate.ts'
import { Session } from './http2/session.ts'
import { type CloseOptions, checkLayer, type ServeOptions, type ServeSettings, serveSettings } from './options.ts'
import { expectProxyHeaders } from './proxy-protocol-gate.ts'
import { sweep } from './sweep.ts'
import { secured, unsecured } from './tls/secured.ts'

/** A server that answers. */
export interface RunningServer extends AsyncDisposable {
  /** Where it is reached from this machine, without a slash behind. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** Node's own, for what is not offered here. */
  readonly server: Server
  /** True from the first call of `close` on: no longer ready, though it may still accept. */
  readonly isDraining: boolean
  /** Connections that are open now, idle and upgraded ones too. */
  readonly connections: number
  /**
   * Closes in steps: it is not ready at once; after `delayMs` it accepts no more, every connection ends with its next
   * reply, and idle ones are closed; after `graceMs` more, what is still going on is broken off. Called again, it returns
   * the same promise and can only become faster, for example for a second SIGTERM: `close({ graceMs: 0 })`.
   * @throws GatewayError `BAD_OPTION`
   */
  close(options?: CloseOptions): Promise<CloseSummary>
  /**
   * Reads the certificates of `tls` again, for connections that come from now on. Changed files are seen without it.
   * @throws GatewayError `BAD_OPTION` for what cannot be used, and the old ones stay; without `tls`
   */
  reloadTls(): void
}

/**
 * Starts a server for a handler, a layer or a chain: on HTTP/1.1, with `tls` on HTTPS and HTTP/2 too.
 * @throws GatewayError `BAD_OPTION`; what Node throws when it cannot listen: `EADDRINUSE`, `EACCES`, …
 * @example
 * const server = await serve(() => text('Hello'), { port: 8080 })
 * process.once('SIGTERM', () => void server.close({ delayMs: 5_000 }))
 */
export async function serve(layer: Layer, options: ServeOptions = {}): Promise<RunningServer> {
  checkLayer('serve', layer)
  const settings = serveSettings(options)
  const { clock, http2 } = settings
  const onHttp2 = http2 ? (socket: Socket) => startSession(socket) : undefined
  const { server, reload } = settings.tls
    ? secured(serverOptions(settings), settings.tls, clock, onHttp2)
    : { server: createServer(serverOptions(settings)), reload: unsecured }
  server.maxConnections = settings.maxConnections
  Object.assign(server, { httpAllowHalfOpen: settings.allowHalfClosed })
  if (onHttp2 && !settings.tls) expectPrefaces(server, onHttp2, clock, settings.headersTimeoutMs)
  if (settings.proxyProtocol) expectProxyHeaders(server, settings.proxyProtocol.from, clock)
  const connections = new OpenConnections(server, settings.maxConnectionsPerAddress)
  const adapter = new Adapter(handlerOf(layer), settings, server)
  const startSession = (socket: Socket) => {
    const session = new Session(adapter, socket, {
      ...settings,
      ...(http2 as Required<Http2Options>),
      maxFields: adapter.maxFields,
    })
    connections.replace(session.peer, session)
  }
  addAttachment(server, { adapter, mount: '' })
  const closing = new Closing(server, adapter, connections.all)
  await listen(server, settings)
  server.once('close', sweep(connections.all, clock, { idleMs: settings.keepAliveTimeoutMs, stallMs: settings.stallTimeoutMs }))

  const { address: host, port } = server.address() as AddressInfo
  const close = (options: CloseOptions = {}) => closing.close(options)
  return {
    url: urlOf(host, port, settings.tls ? 'https' : 'http'),
    host,
    port,
    server,
    get isDraining() {
      return closing.isDraining
    },
    get connections() {
      return connections.all.size
    },
    close,
    reloadTls: reload,
    async [Symbol.asyncDispose]() {
      await close()
    },
  }
}

function serverOptions(settings: ServeSettings): object {
  const { headersTimeoutMs, requestTimeoutMs, maxHeaderBytes } = settings
  return {
    // Idle connections are closed by the sweep: a timer of Node's per request and connection costs 5 µs.
    keepAliveTimeout: 0,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.ceil(headersTimeoutMs / 4),
    maxHeaderSize: maxHeaderBytes,
    // Whatever the process was started with.
    insecureHTTPParser: false,
    // A missing Host is refused by us, in the same form as everything else that is.
    requireHostHeader: false,
    // Finds clients that are gone without a word, in upgraded connections above all.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    // Node 24: a request without a body never becomes a stream. Others do not know it.
    optimizeEmptyRequests: true,
  }
}

function listen(server: Server, { port, host }: ServeSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(host === undefined ? { port } : { port, host }, () => {
      server.off('error', reject)
      // From here on it can only be one connection that could not be accepted, for lack of file descriptors for example.
      server.on('error', (error) => process.emitWarning(`a connection was not accepted: ${error.message}`, 'GateletWarning'))
      resolve()
    })
  })
}

function urlOf(host: string, port: number, scheme: 'http' | 'https'): string {
  const isEvery = host === '::' || host === '0.0.0.0'
  return `${scheme}://${isEvery ? '127.0.0.1' : isIPv6(host) ? `[${host}]` : host}:${port}`
}
