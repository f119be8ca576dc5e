import type { IncomingMessage } from 'node:http'
import { bytesOf, type Clock, GatewayError, HeaderList, type Reply, type Target, type UpstreamTls } from '@gatelet/core'
import { WebSocket } from 'ws'
import { addressOf } from './endpoints.ts'

/** How a WebSocket to an endpoint is opened. */
export interface Dial {
  readonly target: Target
  /** With its query; put behind the endpoint's own path. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly protocols: readonly string[]
  readonly connectMs: number
  readonly maxMessageBytes: number
  /** For `wss`. */
  readonly tls: UpstreamTls
  readonly clock: Clock
}

// A server that vanished without a word is noticed after some minutes.
const KEEP_ALIVE_MS = 60_000

/** An attempt to open a WebSocket. */
export interface Dialled {
  readonly socket: WebSocket
  /**
   * Settles when the socket is open. Nothing is lost meanwhile: messages come only after it.
   * @throws HandshakeRefused when the server answers otherwise; GatewayError `UPSTREAM_CONNECT_FAILED` and the like
   */
  readonly opened: Promise<void>
}

/** The server has answered the handshake with something else than 101. */
export class HandshakeRefused extends GatewayError {
  readonly reply: Reply

  constructor(reply: Reply) {
    super('UPSTREAM_BAD_RESPONSE', { message: `the server answered the handshake with ${reply.status}` })
    this.reply = reply
  }
}

/** Begins to open a WebSocket to an endpoint. Its errors are heard from the first moment. */
export function dial({ target, path, headers, protocols, connectMs, maxMessageBytes, tls, clock }: Dial): Dialled {
  if (!('origin' in target)) {
    throw new GatewayError('INTERNAL', { message: 'an endpoint that is a function in this process speaks no WebSocket' })
  }
  const address = addressOf(target, path)
  const socket = new WebSocket(address, [...protocols], {
    ...(address.startsWith('wss:') && secured(tls)),
    headers,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    followRedirects: false,
  })
  const opened = new Promise<void>((resolve, reject) => {
    const fail = (error: GatewayError) => {
      reject(error)
      socket.terminate()
    }
    const stop = clock.setTimer(() => fail(new GatewayError('UPSTREAM_CONNECT_TIMEOUT')), connectMs)
    socket.once('upgrade', (res) => res.socket.setKeepAlive(true, KEEP_ALIVE_MS))
    socket.once('open', () => resolve())
    socket.on('error', (cause) => reject(connectError(cause)))
    socket.once('close', () => reject(new GatewayError('UPSTREAM_CONNECT_FAILED')))
    socket.once('unexpected-response', (_, res) => void refusal(res).then(fail, fail))
    socket.once('open', stop)
    socket.once('close', stop)
  })
  // Who does not wait for it has its reasons; a rejection that nobody hears would end the process.
  opened.catch(() => {})
  return { socket, opened }
}

// Without a name of its own, that of the endpoint is asked for.
function secured({ secureContext, rejectUnauthorized, servername }: UpstreamTls): object {
  return { secureContext, rejectUnauthorized, ...(servername !== undefined && { servername }) }
}

function connectError(cause: Error & { code?: unknown }): GatewayError {
  const code = typeof cause.code === 'string' ? cause.code : ''
  if (/CERT|SELF_SIGNED|UNABLE_TO/.test(code)) return new GatewayError('UPSTREAM_CERTIFICATE', { cause })
  const isOfSocket = /^E[A-Z]+$/.test(code)
  return new GatewayError(isOfSocket ? 'UPSTREAM_CONNECT_FAILED' : 'UPSTREAM_BAD_RESPONSE', { cause })
}

const MAX_REFUSAL_BYTES = 65_536

/** What is told on of a refusal: what it says, and what the client can act on. */
async function refusal(res: IncomingMessage): Promise<GatewayError> {
  const status = res.statusCode ?? 0
  const body = await bytesOf(res, MAX_REFUSAL_BYTES).catch(unreadable)
  const headers = new HeaderList()
  for (const name of ['content-type', 'retry-after', 'www-authenticate', 'cache-control']) {
    const value = res.headers[name]
    if (typeof value === 'string') headers.set(name, value)
  }
  return new HandshakeRefused({ status, headers, body: body.byteLength > 0 ? body : null })
}

// Longer than anybody reads, or broken off: in any case the server's doing.
function unreadable(cause: unknown): never {
  throw new GatewayError('UPSTREAM_BAD_RESPONSE', { message: 'the refusal of a handshake cannot be read', cause })
}

/** Closes in order, and by force when the other side does not answer within a second. */
export function closeSocket(socket: WebSocket, clock: Clock, code = 1001): void {
  if (socket.readyState === WebSocket.CONNECTING) {
    socket.terminate()
    return
  }
  // What is paused does not hear the other side's answer.
  if (socket.isPaused) socket.resume()
  const stop = clock.setTimer(() => socket.terminate(), 1_000)
  if (socket.readyState === WebSocket.CLOSED) stop()
  else socket.once('close', stop)
  socket.close(code)
}
