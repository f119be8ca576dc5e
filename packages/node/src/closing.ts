import type { Server } from 'node:http'
import { GatewayError } from '@gatelet/core'
import type { Adapter } from './adapter.ts'
import type { OpenConnection } from './open-connection.ts'
import { type CloseOptions, closeSettings } from './options.ts'

/** How closing went. */
export interface CloseSummary {
  /** Requests, upgraded connections and background work that were broken off when the grace was over. */
  readonly cut: number
}

// How long a connection that looks idle is waited for when the server closes: a request may be on its way in it, which the
// client could not know to be lost. Real time, since it is about the wire.
const LAST_REQUEST_MS = 100

/**
 * Takes a server down in steps: it is not ready; it accepts no more, and each connection ends with its next reply; what is
 * idle is closed; what is left after the grace is cut.
 */
export class Closing {
  /** No longer ready: known before anything else changes. */
  isDraining = false
  private readonly server: Server
  private readonly adapter: Adapter
  private readonly connections: ReadonlySet<OpenConnection>
  private readonly done: Promise<CloseSummary>
  private resolve: (summary: CloseSummary) => void = () => {}
  private stopAt = Number.POSITIVE_INFINITY
  private cutAt = Number.POSITIVE_INFINITY
  private cancelTimer: () => void = () => {}
  private isClosed = false
  private cut: number | undefined

  constructor(server: Server, adapter: Adapter, connections: ReadonlySet<OpenConnection>) {
    this.server = server
    this.adapter = adapter
    this.connections = connections
    this.done = new Promise((resolve) => {
      this.resolve = resolve
    })
    // Node's own, which `close` calls, would also close a connection whose last reply is not out yet.
    server.closeIdleConnections = () => this.closeIdle(new Map())
    server.on('close', () => {
      this.isClosed = true
      this.settle()
    })
    adapter.onIdle = () => this.settle()
  }

  /** Asked again, it can only become faster. @throws GatewayError `BAD_OPTION` */
  close(options: CloseOptions): Promise<CloseSummary> {
    const { delayMs, graceMs } = closeSettings(options)
    this.isDraining = true
    this.stopAt = Math.min(this.stopAt, this.adapter.clock.now() + delayMs)
    this.cutAt = Math.min(this.cutAt, this.stopAt + graceMs)
    this.proceed()
    return this.done
  }

  private proceed(): void {
    const now = this.adapter.clock.now()
    this.cancelTimer()
    if (this.cut !== undefined) return
    if (now >= this.stopAt) this.stopAccepting()
    if (now >= this.cutAt) this.cutAll()
    else
      this.cancelTimer = this.adapter.clock.setTimer(() => this.proceed(), (now < this.stopAt ? this.stopAt : this.cutAt) - now)
  }

  private stopAccepting(): void {
    if (this.adapter.isClosing) return
    this.adapter.isClosing = true
    this.server.close()
    for (const connection of this.connections) connection.drain(this.cutAt)
  }

  /** @param before what had passed through the connections that were idle a moment ago */
  private closeIdle(before: ReadonlyMap<OpenConnection, number>): void {
    if (this.isClosed) return
    const idle = new Map<OpenConnection, number>()
    for (const connection of this.connections) {
      if (connection.exchanges.size > 0) continue
      if (before.get(connection) === connection.progress) connection.closeIdle()
      else idle.set(connection, connection.progress)
    }
    setTimeout(() => this.closeIdle(idle), LAST_REQUEST_MS).unref()
  }

  private cutAll(): void {
    this.cut = this.adapter.background
    for (const { exchanges, socket } of this.connections) {
      this.cut += exchanges.size
      for (const exchange of exchanges) exchange.cut(new GatewayError('DRAINING'))
      socket.destroy()
    }
    this.settle()
  }

  private settle(): void {
    if (!this.isClosed || (this.adapter.background > 0 && this.cut === undefined)) return
    // The server says that it is closed before its last sockets do, and with them their exchanges.
    if (this.connections.size > 0) {
      setImmediate(() => this.settle())
      return
    }
    this.cancelTimer()
    this.resolve({ cut: this.cut ?? 0 })
  }
}
