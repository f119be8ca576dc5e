import { type Context, GatewayError, stopReason, type Target } from '@gatelet/core'
import { fullJitter } from '../upstream/full-jitter.ts'
import { CallConnection, type ConnectionListener } from './connection.ts'
import type { CallSettings } from './settings.ts'

interface Waiter {
  resolve(connection: CallConnection): void
  reject(error: Error): void
}

/** The connections to one endpoint, opened again when they are lost. */
export class ConnectionPool {
  /** When it was last asked for a connection, in monotonic milliseconds. */
  usedAt: number
  private readonly target: Target
  private readonly settings: CallSettings
  private readonly onStray: ConnectionListener['stray']
  private readonly connections = new Set<CallConnection>()
  private readonly waiters = new Set<Waiter>()
  /** One for each connection that is to be opened again. */
  private readonly timers = new Set<() => void>()
  private failures = 0
  private failure: GatewayError | undefined
  private isClosed = false

  constructor(target: Target, settings: CallSettings, onStray: ConnectionListener['stray']) {
    this.target = target
    this.settings = settings
    this.onStray = onStray
    this.usedAt = settings.clock.now()
    for (let at = 0; at < settings.connections; at++) this.connect()
  }

  /** Connections that are open. */
  get open(): number {
    return this.opened().length
  }

  get pending(): number {
    return [...this.connections].reduce((sum, { pending }) => sum + pending, this.waiters.size)
  }

  /**
   * The least busy connection. Waits for one that is being opened, not for one of a server that could not be reached.
   * @throws GatewayError `UPSTREAM_CONNECT_FAILED` and the like, `QUEUE_FULL`, and why nobody waits any more
   */
  async ready(ctx: Context): Promise<CallConnection> {
    this.usedAt = this.settings.clock.now()
    const [first, ...others] = this.opened()
    if (!first) return this.next(ctx)
    return others.reduce((least, other) => (other.pending < least.pending ? other : least), first)
  }

  async close(why: GatewayError): Promise<void> {
    this.isClosed = true
    for (const cancel of this.timers) cancel()
    this.timers.clear()
    this.rejectWaiters(why)
    await Promise.all([...this.connections].map((connection) => connection.close(why)))
  }

  private opened(): CallConnection[] {
    return [...this.connections].filter(({ isOpen }) => isOpen)
  }

  private next(ctx: Context): Promise<CallConnection> {
    if (this.isClosed) throw new GatewayError('DRAINING')
    if (this.failure) throw this.failure
    if (this.waiters.size >= this.settings.maxPending) throw new GatewayError('QUEUE_FULL', { headers: { 'retry-after': '1' } })
    return new Promise((resolve, reject) => {
      const done = () => {
        this.waiters.delete(waiter)
        stop()
        undo()
      }
      const waiter: Waiter = {
        resolve(connection) {
          done()
          resolve(connection)
        },
        reject(error) {
          done()
          reject(error)
        },
      }
      const late = () => waiter.reject(new GatewayError('UPSTREAM_CONNECT_TIMEOUT'))
      const stop = this.settings.clock.setTimer(late, this.settings.connectMs)
      const undo = ctx.onAbort(() => waiter.reject(stopReason(ctx)))
      this.waiters.add(waiter)
    })
  }

  private connect(): void {
    const openedAt = this.settings.clock.now()
    const connection: CallConnection = new CallConnection(this.target, this.settings, {
      opened: () => {
        this.failure = undefined
        for (const waiter of [...this.waiters]) waiter.resolve(connection)
      },
      stray: this.onStray,
      closed: (error) => {
        this.connections.delete(connection)
        if (!this.isClosed) this.lost(error, this.settings.clock.now() - openedAt)
      },
    })
    this.connections.add(connection)
  }

  private lost(error: GatewayError | undefined, livedMs: number): void {
    const { baseMs, maxMs, clock } = this.settings
    // One that is closed as soon as it is open is no success.
    if (livedMs > maxMs) this.failures = 0
    if (error && this.open === 0) {
      this.failure = error
      this.rejectWaiters(error)
    }
    const cancel = clock.setTimer(
      () => {
        this.timers.delete(cancel)
        this.connect()
      },
      fullJitter(this.failures++, { baseMs, maxMs }, clock.random),
    )
    this.timers.add(cancel)
  }

  private rejectWaiters(error: GatewayError): void {
    for (const waiter of [...this.waiters]) waiter.reject(error)
  }
}
