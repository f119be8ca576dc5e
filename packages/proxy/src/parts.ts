import type { Balancer } from '@gatelet/core'
import type { Latencies } from './latencies.ts'
import type { ProxySettings } from './options.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { OpenTunnels } from './upgrade/open-tunnels.ts'
import type { Upstreams } from './upstreams.ts'

/** What all requests of one proxy share. */
export interface ProxyParts {
  readonly balancer: Balancer
  readonly upstreams: Upstreams
  readonly settings: ProxySettings
  /** Undefined: no bound. */
  readonly budget: RetryBudget | undefined
  readonly latencies: Latencies
  readonly tunnels: OpenTunnels
}
