import type { Balancer, Endpoint, Lease, Target } from '@gatelet/core'

/** A balancer of one server, for `proxy('http://…')`: there is nothing to choose, and nothing to eject. */
export function singleEndpoint(origin: URL): Balancer {
  const endpoint = { id: origin.href, weight: 1, inflight: 0, metadata: {} }
  const target = { origin }
  return {
    acquire: () => new OnlyLease(endpoint, target),
    close: () => Promise.resolve(),
  }
}

class OnlyLease implements Lease {
  readonly endpoint: Endpoint & { inflight: number }
  readonly target: Target
  private isHeld = true

  constructor(endpoint: Endpoint & { inflight: number }, target: Target) {
    endpoint.inflight++
    this.endpoint = endpoint
    this.target = target
  }

  answered(): void {}

  release(): void {
    if (this.isHeld) this.endpoint.inflight--
    this.isHeld = false
  }
}
