import type { Balancer, Endpoint } from '@gatelet/core'

/** A balancer of one server, for `proxy('http://…')`: there is nothing to choose, and nothing to eject. */
export function singleEndpoint(origin: URL): Balancer {
  const endpoint = { id: origin.href, weight: 1, inflight: 0, metadata: {} }
  const target = { origin }
  return {
    acquire() {
      endpoint.inflight++
      let isHeld = true
      return {
        endpoint: endpoint as Endpoint,
        target,
        answered() {},
        release() {
          if (isHeld) endpoint.inflight--
          isHeld = false
        },
      }
    },
    close: () => Promise.resolve(),
  }
}
