import type { GatewayError } from '@gatelet/core'
import type { Dispatcher } from 'undici'
import { type Connection, type ConnectionOwner, OneConnection } from './connection.ts'
import type { Connector } from './connector.ts'
import { OpenConnections } from './open-connections.ts'
import type { ProxySettings } from './options.ts'

/** A request on its way to one endpoint, as the connections see it. */
export interface Call extends Dispatcher.DispatchHandler {
  readonly options: Dispatcher.DispatchOptions
  /** Must not go out on a connection that has served another: that one may be closed already. */
  readonly needsFresh: boolean
  /** Milliseconds that it may still wait. */
  readonly timeLeft: number
  /** Told when it has to wait for a connection. @param leave takes it out of the queue */
  queued(leave: () => void): void
  /** Told before it is handed to a connection. */
  assigned(connection: Connection): void
  /** Told instead, when there is no connection to be had. */
  refused(error: GatewayError): void
  /** Told when the whole request was handed over. */
  onRequestSent(): void
  /** Told before `onError`: whatever was sent, the upstream has done nothing with it. */
  notProcessed(): void
}

/** The connections to one endpoint, whatever they speak. */
export interface UpstreamConnections {
  /** Sends a call on a free connection, a new one, or as soon as there is one. Who waits already comes first. */
  dispatch(call: Call): void
  readonly isClosed: boolean
  /** Whether there is nothing to keep. */
  readonly isEmpty: boolean
  /** Closes what is not in use, and the rest as it becomes free. Resolves when the last request is over. */
  close(): Promise<void>
}

/**
 * The connections to one endpoint: the one that was used last is used next, so that few stay warm and the rest close.
 * undici's own pool would wait a turn of the event loop and look at every connection for each request.
 */
export class Connections implements ConnectionOwner, UpstreamConnections {
  private readonly origin: string
  private readonly settings: ProxySettings
  private readonly connect: Connector
  private readonly open: OpenConnections<OneConnection>
  private readonly idle: OneConnection[] = []
  private readonly picked: OneConnection[] = []

  constructor(origin: string, connect: Connector, settings: ProxySettings) {
    this.origin = origin
    this.settings = settings
    this.connect = connect
    this.open = new OpenConnections(settings)
  }

  dispatch(call: Call): void {
    const { waiting } = this.open
    const connection = waiting.size === 0 ? this.available(call) : undefined
    if (connection) this.hand(call, connection)
    else waiting.add(call)
  }

  get isClosed(): boolean {
    return this.open.isClosed
  }

  get isEmpty(): boolean {
    return this.open.isEmpty
  }

  close(): Promise<void> {
    return this.open.close()
  }

  private hand(call: Call, connection: OneConnection): void {
    connection.take(call)
    if (connection.served === 0) connection.send()
    else this.sendLater(connection)
  }

  private available(call: Call): OneConnection | undefined {
    if (!call.needsFresh) return this.idle.pop() ?? this.opened()
    // Room for a new one is made of the one that was unused the longest.
    if (!this.open.hasRoom) this.idle[0]?.destroy()
    return this.opened()
  }

  private opened(): OneConnection | undefined {
    if (!this.open.hasRoom) return undefined
    return this.open.add(new OneConnection(this.origin, this.connect, this.settings.keepAliveMs, this))
  }

  /** @internal A request is over, and its connection may serve another. */
  freed(connection: OneConnection): void {
    if (this.isClosed) {
      connection.destroy()
    } else {
      this.idle.push(connection)
      this.serveLater()
    }
  }

  /** @internal */
  gone(connection: OneConnection): void {
    const at = this.idle.indexOf(connection)
    if (at >= 0) this.idle.splice(at, 1)
    this.open.remove(connection)
    this.serveLater()
  }

  // Between the choice of a used socket and the first byte on it, the event loop must look at the socket once: what the
  // upstream did with it meanwhile (closed it, or sent an answer that nobody asked for, which would be taken for the answer
  // to this request) may be there and not seen yet. undici waits until the end of this turn, which is too early where the
  // turn has looked at its sockets already. What is handed to undici at the end of this turn is sent at the end of the next.
  private sendLater(connection: OneConnection): void {
    if (this.picked.push(connection) === 1) setImmediate(this.sendPicked)
  }

  private readonly sendPicked = (): void => {
    for (const connection of this.picked.splice(0)) connection.send()
  }

  // At the end of this turn, for the same reason: and never inside the end of the last answer, after which undici takes the
  // socket for one that was never idle.
  private serveLater(): void {
    if (this.open.waiting.size > 0) setImmediate(this.serveWaiting)
  }

  private readonly serveWaiting = (): void => {
    this.open.waiting.serve(
      (call) => this.available(call),
      (call, connection) => {
        connection.take(call)
        connection.send()
      },
    )
  }
}
