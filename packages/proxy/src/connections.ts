import { GatewayError, type Target } from '@gatelet/core'
import { Client, type Dispatcher } from 'undici'
import type { ProxySettings } from './options.ts'

/** A target that is reached over the network. */
export type NetworkTarget = Extract<Target, { origin: URL }>

/** A request on its way to one endpoint, as the connections see it. */
export interface Call extends Dispatcher.DispatchHandler {
  readonly options: Dispatcher.DispatchOptions
  /** Told before the request is handed to a connection. */
  assigned(connection: Connection): void
  /** Told instead, when there is no connection to be had. */
  refused(error: GatewayError): void
  /** Nobody waits for it any more. */
  readonly isOver: boolean
}

/** One connection to an endpoint, for one request at a time. It reconnects by itself when it was closed while unused. */
export interface Connection {
  /** Requests answered on the socket that is open now; 0 on a fresh one. */
  readonly served: number
  /** The request is over and the connection may serve another. */
  done(): void
  /** Closes it, whatever it is doing. */
  destroy(error: Error): void
}

/**
 * The connections to one endpoint: the one that was used last is used next, so that few stay warm and the rest close.
 * undici's own pool would wait a turn of the event loop and look at every connection for each request.
 */
export class Connections {
  private readonly origin: string
  private readonly settings: ProxySettings
  private readonly socketPath: string | undefined
  private readonly idle: OneConnection[] = []
  private readonly all = new Set<OneConnection>()
  private waiting: Waiting[] = []
  isClosed = false

  constructor(target: NetworkTarget, settings: ProxySettings) {
    this.origin = target.origin.origin
    this.socketPath = target.socketPath
    this.settings = settings
  }

  /** Sends a call on a free connection, a new one, or as soon as one is free. */
  dispatch(call: Call): void {
    const connection = this.idle.pop() ?? this.opened()
    if (connection) connection.send(call)
    else this.enqueue(call)
  }

  /** Sends a call on a connection that nobody has used yet. */
  dispatchFresh(call: Call): void {
    if (this.all.size >= this.settings.connections) this.idle[0]?.destroy(new Error('replaced by a fresh connection'))
    const connection = this.opened()
    if (connection) connection.send(call)
    else this.enqueue(call)
  }

  /** Whether there is nothing to keep. */
  get isEmpty(): boolean {
    return this.all.size === 0 && this.waiting.length === 0
  }

  close(): void {
    this.isClosed = true
    for (const { call, cancel } of this.waiting.splice(0)) {
      cancel()
      call.refused(new GatewayError('DRAINING'))
    }
    for (const connection of [...this.idle]) connection.destroy(new Error('the proxy was closed'))
  }

  private opened(): OneConnection | undefined {
    if (this.all.size >= this.settings.connections) return undefined
    const connection = new OneConnection(this.newClient(), this)
    this.all.add(connection)
    return connection
  }

  private newClient(): Client {
    const { connectMs, keepAliveMs } = this.settings
    return new Client(this.origin, {
      // With 1, undici waits a turn of the event loop before it takes the next request. Never more than one is sent.
      pipelining: 2,
      connectTimeout: connectMs,
      keepAliveTimeout: keepAliveMs,
      // Of what an upstream announces, a second is left for its close to reach us before we write again.
      keepAliveTimeoutThreshold: 1_000,
      ...(this.socketPath === undefined ? {} : { socketPath: this.socketPath }),
    })
  }

  private enqueue(call: Call): void {
    const { maxQueued, queueMs, clock } = this.settings
    if (this.waiting.length >= maxQueued) this.forgetWhoLeft()
    if (this.waiting.length >= maxQueued) {
      call.refused(new GatewayError('QUEUE_FULL'))
      return
    }
    const entry: Waiting = {
      call,
      cancel: clock.setTimer(() => {
        this.waiting = this.waiting.filter((other) => other !== entry)
        call.refused(new GatewayError('QUEUE_TIMEOUT'))
      }, queueMs),
    }
    this.waiting.push(entry)
  }

  private forgetWhoLeft(): void {
    this.waiting = this.waiting.filter(({ call, cancel }) => {
      if (call.isOver) cancel()
      return !call.isOver
    })
  }

  // For OneConnection only.
  freed(connection: OneConnection): void {
    if (this.isClosed) {
      connection.destroy(new Error('the proxy was closed'))
      return
    }
    this.idle.push(connection)
    // In a turn of its own: undici looks at a socket that is given a request inside the end of the last one as never
    // idle, and would match an answer that nobody asked for to it.
    if (this.waiting.length > 0) setImmediate(() => this.serveWaiting())
  }

  // For OneConnection only.
  gone(connection: OneConnection): void {
    this.all.delete(connection)
    const at = this.idle.indexOf(connection)
    if (at >= 0) this.idle.splice(at, 1)
    if (this.waiting.length > 0) setImmediate(() => this.serveWaiting())
  }

  private serveWaiting(): void {
    while (this.waiting.length > 0 && (this.idle.length > 0 || this.all.size < this.settings.connections)) {
      const { call, cancel } = this.waiting.shift() as Waiting
      cancel()
      if (!call.isOver) this.dispatch(call)
    }
  }
}

interface Waiting {
  readonly call: Call
  readonly cancel: () => void
}

class OneConnection implements Connection {
  served = 0
  private readonly client: Client
  private readonly owner: Connections
  private isBusy = false
  private isGone = false

  constructor(client: Client, owner: Connections) {
    this.client = client
    this.owner = owner
    // A socket that closed while it was unused: the next request would open another, but there may never be one.
    client.on('disconnect', () => this.lost())
    client.on('connectionError', () => this.lost())
  }

  send(call: Call): void {
    this.isBusy = true
    call.assigned(this)
    try {
      this.client.dispatch(call.options, call)
    } catch (error) {
      this.done()
      call.refused(error instanceof GatewayError ? error : new GatewayError('INTERNAL', { cause: error }))
    }
  }

  done(): void {
    if (!this.isBusy) return
    this.isBusy = false
    this.served++
    if (!this.isGone) this.owner.freed(this)
  }

  destroy(error: Error): void {
    if (this.isGone) return
    this.isGone = true
    this.owner.gone(this)
    // Rejects nothing: it resolves when the socket is closed.
    void this.client.destroy(error)
  }

  private lost(): void {
    this.served = 0
    if (!this.isBusy) this.destroy(new Error('the connection was closed'))
  }
}
