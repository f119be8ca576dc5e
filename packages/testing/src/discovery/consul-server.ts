import type { ServerResponse } from 'node:http'
import { Registry, type RegistryRequest, sendJson } from './registry.ts'

/** An instance of a service, as Consul knows it. */
export interface ConsulInstance {
  ID: string
  Address: string
  Port: number
  Tags?: readonly string[]
  Meta?: Readonly<Record<string, string>>
  Weights?: { Passing: number; Warning: number }
  Locality?: { Region: string; Zone: string }
  /** Default `passing`. */
  status?: 'passing' | 'warning' | 'critical'
}

/**
 * The part of Consul's HTTP API that discovery needs, on a real server: `/v1/health/service/:name` with `passing`, `tag` and
 * blocking queries.
 */
export class ConsulServer extends Registry {
  private readonly services = new Map<string, readonly ConsulInstance[]>()
  private readonly blocked = new Set<() => void>()
  private at = 10

  /** What `X-Consul-Index` says. */
  get index(): number {
    return this.at
  }

  /** Queries that wait for a change. */
  get waiting(): number {
    return this.blocked.size
  }

  /** Sets the instances of a service: the index grows, and all who wait are answered. */
  set(service: string, instances: readonly ConsulInstance[]): void {
    this.services.set(service, instances)
    this.become(this.at + 1)
  }

  /** As when the servers' state is restored: the index is lower from now on, and all who wait are answered. */
  restore(index: number): void {
    this.become(index)
  }

  protected answer({ path, query, headers }: RegistryRequest, res: ServerResponse): void {
    const service = /^\/v1\/health\/service\/([^/]+)$/.exec(path)?.[1]
    if (service === undefined) {
      res.writeHead(404).end()
      return
    }
    if (this.token !== undefined && headers['x-consul-token'] !== this.token) {
      res.writeHead(403).end('Permission denied')
      return
    }
    const send = () => sendJson(res, this.entries(decodeURIComponent(service), query), { 'x-consul-index': String(this.at) })
    // As Consul does it: who knows this state, or a later one, waits.
    if (Number(query.get('index') ?? 0) < this.at) send()
    else this.block(res, send)
  }

  private block(res: ServerResponse, send: () => void): void {
    const wake = () => {
      this.blocked.delete(wake)
      send()
    }
    this.blocked.add(wake)
    res.on('close', () => this.blocked.delete(wake))
    this.watch.changed()
  }

  private become(index: number): void {
    this.at = index
    for (const wake of [...this.blocked]) wake()
  }

  private entries(service: string, query: URLSearchParams): unknown[] {
    const isWanted = ({ status = 'passing', Tags = [] }: ConsulInstance) =>
      (!query.has('passing') || status === 'passing') && query.getAll('tag').every((tag) => Tags.includes(tag))
    return (this.services.get(service) ?? []).filter(isWanted).map(({ status = 'passing', ...instance }) => ({
      Node: { Node: 'node-1', Address: '127.0.0.1', Datacenter: 'dc1' },
      Service: { Service: service, Tags: [], Meta: {}, Weights: { Passing: 1, Warning: 1 }, ...instance },
      Checks: [
        { CheckID: 'serfHealth', Status: 'passing' },
        { CheckID: `service:${instance.ID}`, Status: status },
      ],
    }))
  }
}

/** Starts a Consul agent's HTTP API on a free port. */
export async function consulServer(): Promise<ConsulServer> {
  const server = new ConsulServer()
  await server.start()
  return server
}
