import { type Endpoint, GatewayError } from '@gatelet/core'
import { Connections, type UpstreamConnections } from './connections.ts'
import { type Connector, connector, type NetworkTarget } from './connector.ts'
import { Http2Connections } from './http2/connections.ts'
import type { ProxySettings } from './options.ts'

/** What the proxy keeps for one endpoint that is reached over the network. */
export interface Upstream {
  readonly origin: URL
  /** `host:port` as it stands in `Host`; the default port left out. */
  readonly host: string
  /** Put before the path of each request; empty for `/`. */
  readonly basePath: string
  readonly connections: UpstreamConnections
  /** For what needs a connection of its own. */
  readonly connect: Connector
}

/** Finds what is kept for an endpoint. Computed once: the getters of `URL` are too dear for every request. */
export class Upstreams {
  private readonly settings: ProxySettings
  private readonly byEndpoint = new WeakMap<Endpoint, Upstream>()
  // Endpoints that are the same server share its connections, and one that was removed and came back finds them.
  private readonly byAddress = new Map<string, Upstream>()

  constructor(settings: ProxySettings) {
    this.settings = settings
  }

  /** @throws GatewayError `INTERNAL` for an origin that speaks no HTTP */
  of(endpoint: Endpoint, target: NetworkTarget): Upstream {
    const known = this.byEndpoint.get(endpoint)
    if (known && known.origin === target.origin && !known.connections.isClosed) return known
    const address = `${target.socketPath ?? ''} ${target.origin.href}`
    const upstream = this.byAddress.get(address) ?? this.added(address, target)
    this.byEndpoint.set(endpoint, { ...upstream, origin: target.origin })
    return upstream
  }

  /** Resolves when the last request is over. */
  async close(): Promise<void> {
    const all = [...this.byAddress.values()]
    this.byAddress.clear()
    await Promise.all(all.map(({ connections }) => connections.close()))
  }

  private added(address: string, target: NetworkTarget): Upstream {
    // Addresses come and go with discovery: what has no connection left is forgotten.
    for (const [key, { connections }] of this.byAddress) {
      if (!connections.isEmpty) continue
      this.byAddress.delete(key)
      // Nothing is left to wait for.
      void connections.close()
    }
    const { origin } = target
    if (!/^https?:$/.test(origin.protocol))
      throw new GatewayError('INTERNAL', { message: `${origin.href} is no URL of http or https` })
    const connect = connector(target, this.settings)
    const Kind = this.settings.http2 ? Http2Connections : Connections
    const upstream: Upstream = {
      origin,
      host: origin.host,
      basePath: origin.pathname.replace(/\/+$/, ''),
      connections: new Kind(origin.origin, connect, this.settings),
      connect,
    }
    this.byAddress.set(address, upstream)
    return upstream
  }
}
