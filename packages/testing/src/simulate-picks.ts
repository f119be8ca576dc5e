import type { Endpoint, PickContext, Strategy } from '@gatelet/core'
import type { SimulatedServer } from './simulate-server.ts'

/** Asks a strategy as a balancer does. One object serves all picks, one after another. */
export class SimulatedPicks implements PickContext {
  attempt = 0
  hashKey: string | undefined
  private readonly strategy: Strategy
  private readonly servers: ReadonlySet<Endpoint>
  private passedOver: readonly Endpoint[] = nobody

  constructor(strategy: Strategy, servers: readonly SimulatedServer[]) {
    this.strategy = strategy
    this.servers = new Set(servers)
    strategy.update([...servers])
  }

  /** @throws Error when somebody is picked who may not be */
  pick(tried: readonly Endpoint[], hashKey: string | undefined): SimulatedServer | undefined {
    this.attempt = tried.length
    this.hashKey = hashKey
    this.passedOver = tried.length > 0 && this.isLeft(tried) ? tried : nobody
    const picked = this.strategy.pick(this)
    if (picked === undefined) return undefined
    if (!this.servers.has(picked) || !this.accepts(picked))
      throw new Error(`the strategy picked ${picked.id}, which may not be picked`)
    return picked as SimulatedServer
  }

  readonly accepts = (endpoint: Endpoint): boolean =>
    endpoint.weight > 0 && (this.passedOver.length === 0 || !this.passedOver.includes(endpoint))

  /** Whether there is one that was not tried. */
  private isLeft(tried: readonly Endpoint[]): boolean {
    for (const server of this.servers) if (server.weight > 0 && !tried.includes(server)) return true
    return false
  }
}

const nobody: readonly Endpoint[] = []
