import { type Clock, type Context, type Endpoint, onDrain, subscribe } from '@gatelet/core'
import type { Tunnel } from './tunnel.ts'

/**
 * The tunnels of one proxy. Those whose server goes down, or whose endpoint is drained or removed, are told to leave: each at a
 * moment of its own, since all their clients come back.
 */
export class OpenTunnels {
  private readonly byEndpoint = new Map<Endpoint, Set<Tunnel>>()
  private readonly clock: Clock
  private readonly drainMs: number
  private unsubscribe: (() => void) | undefined

  /** @param drainMs over how long they are told */
  constructor(clock: Clock, drainMs: number) {
    this.clock = clock
    this.drainMs = drainMs
  }

  /** @returns what forgets it, to be called when it is over */
  add(tunnel: Tunnel, endpoint: Endpoint, ctx: Context): () => void {
    // Any balancer that publishes its changes is heard, without a wire to each.
    this.unsubscribe ??= subscribe('endpoint:changed', (event) => {
      if (event.change === 'draining' || event.change === 'removed') this.leave(this.byEndpoint.get(event.endpoint))
    })
    const others = this.byEndpoint.get(endpoint) ?? new Set()
    this.byEndpoint.set(endpoint, others.add(tunnel))
    // Half of the grace is for the answers of those that are told last.
    const undo = onDrain(ctx, (cutAt) => this.leave([tunnel], (cutAt - this.clock.now()) / 2))
    return () => {
      undo()
      others.delete(tunnel)
      if (others.size === 0 && this.byEndpoint.get(endpoint) === others) this.byEndpoint.delete(endpoint)
      if (this.byEndpoint.size > 0) return
      this.unsubscribe?.()
      this.unsubscribe = undefined
    }
  }

  /** Tells all. */
  leaveAll(): void {
    for (const tunnels of this.byEndpoint.values()) this.leave(tunnels)
  }

  private leave(tunnels: Iterable<Tunnel> = [], withinMs = this.drainMs): void {
    const spreadMs = Math.max(0, Math.min(this.drainMs, withinMs))
    for (const tunnel of tunnels) tunnel.leaveIn(this.clock.random() * spreadMs)
  }
}
