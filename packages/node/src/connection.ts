import type { Socket } from 'node:net'
import { type ClientView, GatewayError } from '@gatelet/core'
import type { HttpExchange } from './exchange.ts'
import type { OpenConnection, SweepLimits } from './open-connection.ts'

// Requests that one HTTP/1 client may have in flight by pipelining; the last of them is answered with `Connection: close`.
const MAX_PIPELINED = 100

// Requests behind a `Connection: close` are not looked at (RFC 9112 §9.6). A client that goes on and on is cut.
const MAX_IGNORED = 1_000

// For each such piece that waits to be taken, the client has the time once more: a slow one is no stalled one.
const PIECE_BYTES = 65_536

/** One client connection, with the exchanges that are open on it. */
export class Connection implements OpenConnection {
  readonly socket: Socket
  /** The address at the other end, as the socket or a PROXY header gives it. Empty for a Unix socket. */
  address: string
  /** Whether a PROXY header was read, so that none is waited for when the socket is handed to the parser again. */
  hasProxyHeader = false
  /** Whether it is known which version of HTTP comes, so that the start is not looked at again. */
  isTold = false
  /** Who the client is when no proxy is trusted; the same for every request then. */
  view: ClientView | undefined
  /** Oldest first. More than one only where the client pipelines. */
  readonly exchanges: Set<HttpExchange> = new Set()
  /** The reply to the newest request must end the connection. */
  mustClose = false
  /** Nothing more is taken from this connection: a reply with `Connection: close` is on its way. */
  isClosing = false
  /** What the sweep saw at its last look, and since when that has not changed. */
  private readonly seen: { progress: number; at: number } = { progress: -1, at: 0 }
  /** The last request was answered before its body had come. */
  hasUnreadRest = false
  private newest: HttpExchange | undefined
  private ignored = 0

  constructor(socket: Socket) {
    this.socket = socket
    this.address = socket.remoteAddress ?? ''
    socket.on('close', () => {
      for (const exchange of this.exchanges) exchange.clientLeft()
    })
  }

  get isEncrypted(): boolean {
    return 'encrypted' in this.socket && this.socket.encrypted === true
  }

  /** Bytes that came in or were taken by the other end. */
  get progress(): number {
    const { bytesRead, bytesWritten, writableLength } = this.socket
    return bytesRead + bytesWritten - writableLength
  }

  /** Whether it is for the client to send or to take something. */
  get awaitsClient(): boolean {
    return this.socket.writableLength > 0 || this.arriving?.request.isAwaited === true
  }

  /** Whether another request may be answered here. */
  accepts(): boolean {
    if (!this.isClosing) return true
    if (++this.ignored > MAX_IGNORED) this.socket.destroy()
    return false
  }

  opened(exchange: HttpExchange): void {
    this.exchanges.add(exchange)
    this.newest = exchange
    this.hasUnreadRest = false
    if (this.exchanges.size >= MAX_PIPELINED) this.mustClose = this.isClosing = true
  }

  over(exchange: HttpExchange): void {
    this.exchanges.delete(exchange)
    this.hasUnreadRest = exchange.request.isArriving
    if (this.newest === exchange) this.newest = undefined
    // Its head may have gone out before there was a reason to close.
    if (this.mustClose && this.exchanges.size === 0) this.socket.destroySoon()
  }

  /** Nothing more is taken; the requests that were, are still answered. For a socket that the parser has let go. */
  endAfterReplies(): void {
    this.mustClose = this.isClosing = true
    this.socket.on('error', () => {})
    // Node no longer tells the replies that there is room again.
    this.socket.on('drain', () => {
      for (const { res } of this.exchanges) if (res.socket) res.emit('drain')
    })
  }

  /** Replies leave in the order of the requests, so only the newest may announce the end of the connection. */
  isNewest(exchange: HttpExchange): boolean {
    return this.newest === exchange
  }

  look(now: number, { idleMs, stallMs }: SweepLimits): void {
    const { seen, socket, progress, exchanges } = this
    const isIdle = exchanges.size === 0
    if (progress !== seen.progress || (!isIdle && !this.awaitsClient)) {
      seen.progress = progress
      seen.at = now
      return
    }
    const unchangedMs = now - seen.at
    if (isIdle) {
      if (unchangedMs >= idleMs) socket.destroy()
    } else if (stallMs > 0 && unchangedMs >= stallMs * (1 + Math.floor(socket.writableLength / PIECE_BYTES))) {
      seen.at = now
      const { arriving } = this
      if (arriving && socket.writableLength === 0) arriving.requestFailed(new GatewayError('REQUEST_TIMEOUT'))
      else socket.destroy()
    }
  }

  // The client is told with the next reply.
  drain(cutAt: number): void {
    for (const exchange of this.exchanges) exchange.drain(cutAt)
  }

  closeIdle(): void {
    this.socket.destroy()
  }

  /** The exchange whose request is still arriving, if there is one: always the newest. */
  get arriving(): HttpExchange | undefined {
    return this.newest?.request.isArriving ? this.newest : undefined
  }
}

const key: unique symbol = Symbol('gatelet.connection')

/** The connection of a socket; the same for every request on it. */
export function connectionOf(socket: Socket & { [key]?: Connection }): Connection {
  const known = socket[key]
  if (known) return known
  const made = new Connection(socket)
  socket[key] = made
  return made
}
