import type { Socket } from 'node:net'
import {
  type Balancer,
  canonicalAddress,
  type Endpoint,
  type EventMap,
  GatewayError,
  isLease,
  isWithin,
  type Lease,
  proxyHeader,
  publish,
  refusalError,
} from '@gatelet/core'
import { answered, released } from '../attempted.ts'
import { connected } from './connect.ts'
import type { TcpClient, TcpSettings } from './options.ts'
import { headerFrom } from './proxy-header.ts'
import { tunnel } from './tunnel.ts'

// An endpoint that takes connections and breaks each of them off is not well. One that has not done so by then is.
const SETTLED_MS = 1_000

/** One connection of a client, and the one to an endpoint that it is joined with. Frees its lease exactly once. */
export class TcpConnection {
  private readonly socket: Socket
  private readonly balancer: Balancer
  private readonly settings: TcpSettings
  private readonly startedAt: number
  private readonly left = new AbortController()
  private client: TcpClient
  private endpoint: Endpoint | undefined
  private error: unknown

  /** The socket must allow for half-open connections. */
  constructor(socket: Socket, balancer: Balancer, settings: TcpSettings) {
    this.socket = socket
    this.balancer = balancer
    this.settings = settings
    this.startedAt = settings.clock.now()
    const { remoteAddress = '', remotePort = 0 } = socket
    this.client = { address: canonicalAddress(remoteAddress) ?? remoteAddress, port: remotePort }
    socket.on('error', (error) => this.failed(error))
    socket.once('close', () => {
      this.left.abort()
      this.tell()
    })
  }

  /** Never rejects. */
  async forward(): Promise<void> {
    try {
      if (!(await this.knowsClient())) throw new GatewayError('BAD_REQUEST', { message: 'no PROXY header came' })
      await this.join()
    } catch (error) {
      this.failed(error)
      this.socket.destroy()
    }
  }

  /** Breaks it off. */
  destroy(): void {
    this.failed(new GatewayError('DRAINING'))
    this.socket.resetAndDestroy()
  }

  private async knowsClient(): Promise<boolean> {
    const { headersFrom, clock } = this.settings
    if (headersFrom.length === 0 || !isWithin(this.client.address, headersFrom)) return true
    const header = await headerFrom(this.socket, clock)
    if (!header) return false
    if (header.address !== undefined) this.client = { address: header.address, port: header.port ?? 0 }
    return true
  }

  /** Connects to one endpoint after another: nothing was sent, so every one will do. */
  private async join(): Promise<void> {
    const { retries, clock } = this.settings
    const tried: Endpoint[] = []
    for (;;) {
      const lease = await this.lease(tried)
      const startedAt = clock.now()
      try {
        const upstream = await connected(lease.target, this.settings, this.left.signal)
        this.endpoint = lease.endpoint
        this.pass(upstream, lease, clock.now() - startedAt)
        return
      } catch (error) {
        const isGone = this.left.signal.aborted
        answered(lease, { kind: isGone ? 'cancelled' : 'failure', latencyMs: clock.now() - startedAt })
        released(lease)
        this.error = error
        if (isGone || tried.push(lease.endpoint) > retries) throw error
      }
    }
  }

  private async lease(tried: readonly Endpoint[]): Promise<Lease> {
    const { hashKey, priority } = this.settings
    const { signal } = this.left
    const ask = { tried, signal, hashKey: hashKey(this.client), ...(priority ? { priority: priority(this.client) } : {}) }
    const lease = await this.balancer.acquire(ask)
    if (!isLease(lease)) throw this.error ?? refusalError(lease)
    // The client left while it waited; or every endpoint was tried.
    if (!signal.aborted && !tried.includes(lease.endpoint)) return lease
    released(lease)
    throw this.error ?? new GatewayError('CLIENT_CLOSED')
  }

  private pass(upstream: Socket, lease: Lease, latencyMs: number): void {
    const { socket, settings } = this
    const answer = (kind: 'success' | 'failure' | 'cancelled') => {
      cancelTimer()
      answered(lease, { kind, latencyMs })
    }
    const cancelTimer = settings.clock.setTimer(() => answer('success'), SETTLED_MS)
    upstream.once('data', () => answer('success'))
    upstream.once('end', () => answer('success'))
    // Before the tunnel's own, which close in order: what was broken off must not look whole.
    upstream.on('error', (error) => {
      answer('failure')
      this.failed(error)
      socket.resetAndDestroy()
    })
    socket.on('error', () => upstream.resetAndDestroy())
    upstream.once('close', () => {
      answer('cancelled')
      released(lease)
    })
    // What passes is written to one side and read from the other, so one timer sees it all.
    upstream.setTimeout(settings.idleMs, () => this.idle(upstream))
    if (settings.send) upstream.write(this.header(settings.send))
    tunnel(socket, upstream)
    // It had nothing to say, and has said so while nobody listened.
    if (socket.readableEnded) upstream.end()
  }

  private header(version: 1 | 2): Buffer {
    const { localAddress = '', localPort = 0 } = this.socket
    return proxyHeader(version, { ...this.client, localAddress, localPort })
  }

  private idle(upstream: Socket): void {
    this.failed(new GatewayError('DEADLINE_EXCEEDED', { message: 'nothing passed for too long' }))
    upstream.destroy()
    this.socket.destroy()
  }

  private failed(error: unknown): void {
    this.error ??= error
  }

  private tell(): void {
    const { client, endpoint, error, socket, settings } = this
    const outcome: EventMap['connection:finished']['outcome'] = !endpoint
      ? 'refused'
      : error !== undefined
        ? 'failed'
        : 'finished'
    publish('connection:finished', {
      ...{ client, outcome, received: socket.bytesRead, sent: socket.bytesWritten },
      durationMs: settings.clock.now() - this.startedAt,
      ...(endpoint ? { endpoint } : {}),
      ...(outcome === 'finished' ? {} : { error }),
    })
  }
}
