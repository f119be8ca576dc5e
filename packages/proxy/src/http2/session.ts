import { type ClientHttp2Session, connect as startSession } from 'node:http2'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { GatewayError } from '@gatelet/core'
import type { Call } from '../connections.ts'
import type { Connector } from '../connector.ts'
import type { ProxySettings } from '../options.ts'
import { UpstreamStream } from './stream.ts'

// Requests at once on one connection, whatever the upstream allows.
const MAX_STREAMS = 100

// What an upstream may send as the head of an answer.
const MAX_HEADER_BYTES = 65_536
const MAX_FIELDS = 1_000

/** Who keeps sessions. */
export interface SessionOwner {
  /** There is room for another request. */
  hasRoom(): void
  gone(session: UpstreamSession): void
}

/** One connection of HTTP/2 to an endpoint, from the first attempt to make it to its end. */
export class UpstreamSession {
  /** Requests that were answered on it. */
  served = 0
  private readonly origin: string
  private readonly settings: ProxySettings
  private readonly owner: SessionOwner
  private readonly streams = new Set<UpstreamStream>()
  private readonly stopConnecting: () => void
  private session: ClientHttp2Session | undefined
  private limit = MAX_STREAMS
  private isDraining = false
  private isGone = false
  private cancelIdle: () => void = () => {}

  constructor(origin: string, connect: Connector, settings: ProxySettings, owner: SessionOwner) {
    this.origin = origin
    this.settings = settings
    this.owner = owner
    this.stopConnecting = connect({ protocol: 'h2' }, (error, socket) => {
      if (error) this.failed(error)
      else this.begin(socket as Socket)
    })
  }

  /** Whether another request has room. */
  get isOpen(): boolean {
    return !this.isDraining && !this.isGone && this.streams.size < this.limit
  }

  take(call: Call): void {
    this.cancelIdle()
    const stream = new UpstreamStream(this, call, this.settings)
    this.streams.add(stream)
    call.assigned(stream)
    const { session } = this
    if (session) {
      session.ref()
      stream.begin(session)
    }
  }

  /** A request is over, and its place is free. */
  over(stream: UpstreamStream): void {
    if (!this.streams.delete(stream)) return
    if (this.streams.size === 0) this.idle()
    // In another turn: an upstream that says it is going must be heard before it is asked again.
    setImmediate(() => this.owner.hasRoom())
  }

  /** No more requests; closes when the last is over. */
  drain(): void {
    this.isDraining = true
    if (this.streams.size > 0) return
    this.session?.destroy()
    // Node would wait for the upstream to close, which may still hold a stream that it has refused. A turn is for our GOAWAY.
    setImmediate(this.stopConnecting)
    this.end()
  }

  private begin(socket: Socket): void {
    if (socket instanceof TLSSocket && socket.alpnProtocol !== 'h2') {
      socket.destroy()
      this.failed(new GatewayError('UPSTREAM_TLS', { message: 'the upstream does not offer HTTP/2 (ALPN)' }))
      return
    }
    const session = startSession(this.origin, {
      createConnection: () => socket,
      maxHeaderListPairs: MAX_FIELDS,
      settings: { enablePush: false, maxHeaderListSize: MAX_HEADER_BYTES },
    })
    this.session = session
    // What it means is told by 'close'; unheard, it would end the process.
    session.on('error', () => {})
    session.on('close', () => this.end())
    // Node goes on with what the upstream still answers, and closes. What it will not answer, it resets as refused.
    session.on('goaway', () => {
      this.isDraining = true
    })
    session.on('remoteSettings', ({ maxConcurrentStreams = MAX_STREAMS }) => {
      this.limit = Math.min(maxConcurrentStreams, MAX_STREAMS)
      this.owner.hasRoom()
    })
    for (const stream of this.streams) stream.begin(session)
    if (this.streams.size === 0) this.idle()
  }

  /** No connection could be made. */
  private failed(error: Error): void {
    this.end()
    for (const stream of this.streams) stream.fail(error)
  }

  private idle(): void {
    const { session } = this
    if (this.isDraining) {
      this.drain()
      return
    }
    if (!session) return
    session.unref()
    this.cancelIdle = this.settings.clock.setTimer(() => this.drain(), this.settings.keepAliveMs)
  }

  private end(): void {
    if (this.isGone) return
    this.isGone = true
    this.cancelIdle()
    this.owner.gone(this)
  }
}
