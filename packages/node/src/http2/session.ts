import type { EventEmitter } from 'node:events'
import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { GatewayError } from '@gatelet/core'
import type { Adapter } from '../adapter.ts'
import { type Connection, connectionOf } from '../connection.ts'
import type { OpenConnection, SweepLimits } from '../open-connection.ts'
import type { Http2Settings } from './options.ts'
import { StreamExchange } from './stream-exchange.ts'

// The window in which streams that a client resets are counted.
const RESET_WINDOW_MS = 10_000

// RFC 9113 §6.8: how long a client that was told to go may still have sent requests without knowing it. Real time, since it
// is about the wire.
const LAST_REQUEST_MS = 100

const LAST_STREAM_ID = 2 ** 31 - 1

/** One connection of HTTP/2, with the exchanges that are open on it. */
export class Session implements OpenConnection {
  readonly socket: Socket
  /** Whom it connects to. */
  readonly peer: Connection
  readonly exchanges: Set<StreamExchange> = new Set()
  private readonly adapter: Adapter
  readonly settings: Http2Settings
  private readonly session: ServerHttp2Session
  private idleSince: number
  private hasServed = false
  private resets = 0
  private resetsSince = 0
  private isLeaving = false

  constructor(adapter: Adapter, socket: Socket, settings: Http2Settings) {
    const { clock } = adapter
    this.adapter = adapter
    this.settings = settings
    this.socket = socket
    this.peer = connectionOf(socket)
    this.idleSince = clock.now()
    this.session = performServerHandshake(socket, sessionOptions(settings))
    // What they mean is told by 'close'; unheard, one would end the process.
    this.session.on('error', () => {})
    socket.on('error', () => {})
    const events: EventEmitter = this.session
    events.on('stream', (stream: ServerHttp2Stream, _: object, __: number, raw: string[]) => this.begin(stream, raw))
    // The client has left, as far as it can be told: HTTP/2 knows no half-closed connections.
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      for (const exchange of this.exchanges) exchange.clientLeft()
    })
    if (adapter.isClosing) this.drain(adapter.clock.now())
  }

  get progress(): number {
    return this.socket.bytesRead + this.socket.bytesWritten
  }

  opened(exchange: StreamExchange): void {
    this.exchanges.add(exchange)
  }

  over(exchange: StreamExchange): void {
    this.exchanges.delete(exchange)
    this.idleSince = this.adapter.clock.now()
  }

  /**
   * A stream was closed before its reply was out, and not by us. Each such costs us work and the client nothing
   * (CVE-2023-44487), so whoever does it often is sent away.
   */
  wasReset(): void {
    const now = this.adapter.clock.now()
    if (now - this.resetsSince >= RESET_WINDOW_MS) {
      this.resets = 0
      this.resetsSince = now
    }
    if (++this.resets > this.settings.maxResets) this.giveUp(constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  look(now: number, { idleMs, stallMs }: SweepLimits): void {
    for (const exchange of this.exchanges) exchange.look(now, stallMs, this.settings.requestTimeoutMs)
    if (this.exchanges.size > 0) return
    // Pings keep no connection open. One that has never asked anything is like one that does not finish its first head.
    const limitMs = this.hasServed ? idleMs : Math.min(idleMs, this.settings.headersTimeoutMs)
    if (now - this.idleSince >= limitMs) this.closeIdle()
  }

  drain(cutAt: number): void {
    for (const exchange of this.exchanges) exchange.drain(cutAt)
    if (this.session.destroyed) return
    this.session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM_ID)
    // Streams that come later are refused, which tells the client that they can be sent elsewhere.
    setTimeout(() => this.session.destroyed || this.session.close(), LAST_REQUEST_MS).unref()
  }

  closeIdle(): void {
    this.leave(() => this.session.close())
  }

  private begin(stream: ServerHttp2Stream, raw: readonly string[]): void {
    // What it means is told by 'close'; unheard, it would end the process.
    stream.on('error', () => {})
    this.hasServed = true
    // Told in another turn than it came: it may be closed by now.
    if (stream.destroyed) this.wasReset()
    else this.exchange(stream, raw)
  }

  private exchange(stream: ServerHttp2Stream, raw: readonly string[]): void {
    const exchange = new StreamExchange(this.adapter, this, stream, raw)
    const { kind, refusal } = exchange.request
    // It would be told to end as soon as it is open.
    const isLate = kind === 'upgrade' && this.adapter.isClosing
    exchange.begin(refusal ?? (isLate ? new GatewayError('DRAINING') : undefined))
  }

  private giveUp(code: number): void {
    // Without an error, Node sends no code.
    this.leave(() => this.session.destroy(new Error('too many streams were reset'), code))
  }

  /** Once: every look at an idle connection, and every stream that ends with its connection, comes here again. */
  private leave(close: () => void): void {
    if (this.isLeaving) return
    this.isLeaving = true
    if (!this.session.destroyed) close()
    // Node waits for the client to close, which may never happen.
    if (!this.socket.destroyed) this.adapter.clock.setTimer(() => this.socket.destroy(), LINGER_MS)
  }
}

// How long a client has for its side of the close.
const LINGER_MS = 1_000

function sessionOptions({ maxConcurrentStreams, maxHeaderBytes, maxFields, maxSessionMegabytes }: Http2Settings): object {
  return {
    // Up to this there is a status for it.
    maxHeaderListPairs: maxFields + 100,
    maxSessionMemory: maxSessionMegabytes,
    settings: {
      maxConcurrentStreams,
      // Beyond this Node resets the stream; up to it there is a status for what is too large (RFC 9113 §10.5.1). Each field
      // counts 32 bytes more there.
      maxHeaderListSize: maxHeaderBytes + 32 * maxFields,
      // RFC 8441: WebSockets.
      enableConnectProtocol: true,
    },
  }
}
