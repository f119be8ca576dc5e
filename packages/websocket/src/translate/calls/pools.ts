import { type Endpoint, GatewayError, type Lease } from '@gatelet/core'
import type { Frame } from '../frame.ts'
import { EndpointList } from '../upstream/endpoints.ts'
import type { ConnectionListener } from './connection.ts'
import { ConnectionPool } from './pool.ts'
import type { CallSettings } from './settings.ts'

/** What has been counted since the start, and what is there now. */
export interface CallCounts {
  /** Connections that are open now. */
  readonly connections: number
  /** Calls that wait now: for a connection, or for their answer. */
  readonly pending: number
  /** Messages that answered a call which was over already. */
  readonly late: number
  /** Messages that answered no call. */
  readonly pushes: number
  /** Messages that the codec could not read. */
  readonly unreadable: number
}

/** The connections to all endpoints. */
export class ConnectionPools {
  private readonly pools = new Map<Endpoint, ConnectionPool>()
  private readonly settings: CallSettings
  private readonly counted = { late: 0, push: 0, unreadable: 0 }
  private readonly listeners = new Set<(frame: Frame) => void>()
  private stopSweep = () => {}
  private isClosed = false

  constructor(settings: CallSettings) {
    const { balancer, onPush } = settings
    this.settings = settings
    this.listeners.add(onPush)
    if (balancer instanceof EndpointList)
      for (const endpoint of balancer.endpoints) this.of({ endpoint, target: endpoint.target })
    else this.sweepLater()
  }

  /** @throws GatewayError `DRAINING` when all are closed */
  of({ endpoint, target }: Pick<Lease, 'endpoint' | 'target'>): ConnectionPool {
    if (this.isClosed) throw new GatewayError('DRAINING')
    const found = this.pools.get(endpoint) ?? new ConnectionPool(target, this.settings, this.onStray)
    this.pools.set(endpoint, found)
    return found
  }

  counts(): CallCounts {
    const pools = [...this.pools.values()]
    return {
      connections: pools.reduce((sum, { open }) => sum + open, 0),
      pending: pools.reduce((sum, { pending }) => sum + pending, 0),
      late: this.counted.late,
      pushes: this.counted.push,
      unreadable: this.counted.unreadable,
    }
  }

  listen(listener: (frame: Frame) => void): () => void {
    const own = (frame: Frame) => listener(frame)
    this.listeners.add(own)
    return () => void this.listeners.delete(own)
  }

  async close(why: GatewayError): Promise<void> {
    this.isClosed = true
    this.stopSweep()
    this.listeners.clear()
    await Promise.all([...this.pools.values()].map((pool) => pool.close(why)))
    this.pools.clear()
  }

  private readonly onStray: ConnectionListener['stray'] = (frame, why) => {
    this.counted[why]++
    if (why !== 'push') return
    for (const listener of [...this.listeners]) {
      try {
        listener(frame)
      } catch (error) {
        process.emitWarning(`a listener to pushed messages threw: ${(error as Error)?.stack ?? error}`, 'GateletWarning')
      }
    }
  }

  // An endpoint of a balancer may be gone for good, and nobody says so.
  private sweepLater(): void {
    const { clock, idleMs } = this.settings
    this.stopSweep = clock.setTimer(() => {
      for (const [endpoint, pool] of this.pools) {
        if (pool.pending > 0 || clock.now() - pool.usedAt < idleMs) continue
        this.pools.delete(endpoint)
        void pool.close(new GatewayError('DRAINING'))
      }
      this.sweepLater()
    }, idleMs)
  }
}
