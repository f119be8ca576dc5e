import { type Clock, type Context, type Endpoint, onDrain, subscribe } from '@gatelet/core'
import type { Tunnel } from './tunnel.ts'

/**
 * The tunnels of one proxy. Those whose server goes down, or whose endpoint is drained or removed, are told to leave: each at a
 * moment of its own, since all their clients come back.
 */
export class OpenTunnels {
  private readonly byEndpoint = new Map<Endpoint, Set<Tunnel>>()
  /** Those of which tunnels are told to leave. */
  private readonly leaving = new WeakSet<Endpoint>()
  private readonly clock: Clock
  private readonly drainMs: number
  private watchers = 0
  private unsubscribe: (() => void) | undefined

  /** @param drainMs over how long they are told */
  constructor(clock: Clock, drainMs: number) {
    this.clock = clock
    this.drainMs = drainMs
  }

  /** A handshake begins: from now on it matters what becomes of its endpoint. Ends by `unwatch`. */
  watch(): void {
    this.watchers++
    // Any balancer that publishes its changes is heard, without a wire to each.
    this.unsubscribe ??= subscribe('endpoint:changed', ({ endpoint, change }) => {
      if (change === 'added') this.leaving.delete(endpoint)
      if (change !== 'draining' && change !== 'removed') return
      this.leaving.add(endpoint)
      this.leave(this.byEndpoint.get(endpoint))
    })
  }

  /** The handshake has failed, or its tunnel is over. */
  unwatch(): void {
    if (--this.watchers > 0) return
    this.unsubscribe?.()
    this.unsubscribe = undefined
  }

  /** Keeps it until it is over. */
  add(tunnel: Tunnel, endpoint: Endpoint, ctx: Context): void {
    const others = this.byEndpoint.get(endpoint) ?? new Set()
    this.byEndpoint.set(endpoint, others.add(tunnel))
    tunnel.onOver = () => this.remove(tunnel, endpoint)
    if (this.leaving.has(endpoint)) this.leave([tunnel])
    // Half of the grace is for the answers of those that are told last.
    onDrain(ctx, (cutAt) => this.leave([tunnel], (cutAt - this.clock.now()) / 2))
  }

  /** Tells all. */
  leaveAll(): void {
    for (const tunnels of this.byEndpoint.values()) this.leave(tunnels)
  }

  private remove(tunnel: Tunnel, endpoint: Endpoint): void {
    const others = this.byEndpoint.get(endpoint)
    others?.delete(tunnel)
    if (others?.size === 0) this.byEndpoint.delete(endpoint)
  }

  private leave(tunnels: Iterable<Tunnel> = [], withinMs = this.drainMs): void {
    const spreadMs = Math.max(0, Math.min(this.drainMs, withinMs))
    for (const tunnel of tunnels) tunnel.leaveIn(this.clock.random() * spreadMs)
  }
}
