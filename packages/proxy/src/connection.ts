import type { EventEmitter } from 'node:events'
import { GatewayError } from '@gatelet/core'
import { Client } from 'undici'
import type { Call } from './connections.ts'
import type { Connector } from './connector.ts'

/** One connection to an endpoint, as a call sees it. It reconnects by itself when it was closed while unused. */
export interface Connection {
  /** Requests answered on the socket that is open now; 0 on a fresh one. */
  readonly served: number
  /** Takes back a call that was not handed on yet. @returns whether it was not */
  withdraw(): boolean
  /** The connection has nothing more to do with the call, and may serve another. */
  done(): void
  /** Closes it. What comes on it cannot be trusted any more, or nobody needs it. */
  destroy(): void
}

/** Who keeps connections. */
export interface ConnectionOwner {
  freed(connection: OneConnection): void
  gone(connection: OneConnection): void
}

/** An undici client that never gets more than one request at a time. */
export class OneConnection implements Connection {
  served = 0
  private readonly client: Client
  private readonly owner: ConnectionOwner
  private isBusy = false
  /** What is to be sent. */
  private call: Call | undefined
  private isGone = false

  constructor(origin: string, connect: Connector, keepAliveMs: number, owner: ConnectionOwner) {
    this.owner = owner
    this.client = new Client(origin, {
      connect: (_, done) => void connect({ protocol: 'http/1.1' }, done as never),
      // With 1, undici waits a turn of the event loop before it takes the next request. Never more than one is sent.
      pipelining: 2,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // Of what an upstream announces, a second is left for its close to reach us before we write again.
      keepAliveTimeoutThreshold: 1_000,
    })
    // A socket that closed while it was unused: the next request would open another, but there may never be one.
    this.client.on('disconnect', () => this.lost())
    this.client.on('connectionError', () => this.lost())
    // What a call-back threw while it was told of a failure. Unheard, it would end the process.
    const emitter: EventEmitter = this.client
    emitter.on('error', (error: Error) => process.emitWarning(error))
  }

  /** Takes a call, to be sent by `send`. */
  take(call: Call): void {
    this.isBusy = true
    this.call = call
    call.assigned(this)
  }

  send(): void {
    const { call } = this
    this.call = undefined
    if (call) this.client.dispatch(call.options, call)
  }

  withdraw(): boolean {
    const isHere = this.call !== undefined
    this.call = undefined
    return isHere
  }

  done(): void {
    if (!this.isBusy) return
    this.isBusy = false
    this.served++
    if (!this.isGone) this.owner.freed(this)
  }

  /** Closes it when it is free; the owner closes it when it becomes so. */
  drain(): void {
    if (!this.isBusy) this.destroy()
  }

  destroy(): void {
    if (this.isGone) return
    this.isGone = true
    this.owner.gone(this)
    // Rejects nothing: it resolves when the socket is closed.
    void this.client.destroy(new GatewayError('DRAINING', { message: 'the connection is not needed any more' }))
  }

  private lost(): void {
    this.served = 0
    this.drain()
  }
}
