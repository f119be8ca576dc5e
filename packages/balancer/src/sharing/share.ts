import cluster from 'node:cluster'
import { randomUUID } from 'node:crypto'
import { type Checks, type Clock, checkOptions, options, systemClock } from '@gatelet/core'
import type { ShareChannel } from './channel.ts'
import { clusterChannel } from './cluster-channel.ts'
import { type SharedBalancer, Sharing } from './sharing.ts'

/** How processes share what they know of the same endpoints. */
export interface ShareOptions {
  /** The same in every process, and another for each balancer. Default `default`. */
  name?: string
  /** How they reach each other. Default: `clusterChannel()`. */
  channel?: ShareChannel
  /**
   * Who runs active checks. `each`: every process its own. `one`: one of them for all, and another when it goes. Default `one`.
   */
  checks?: 'each' | 'one'
  /**
   * How often each says that it is there, in milliseconds, at least 10; who says nothing for three times as long is gone.
   * Default 1,000.
   */
  heartbeatMs?: number
  /** The clock of the balancer. */
  clock?: Clock
}

/** What sharing is like now. */
export interface ShareStatus {
  /** How many others were heard of lately. 0: it works alone. */
  readonly peers: number
  /** Whether this process runs the active checks for all. Always true alone, and with `checks: 'each'`. */
  readonly isChecking: boolean
  /** Tells the others, and goes on alone. */
  close(): void
}

/**
 * Shares ejections, weights set by hand, drains, and results of active checks among the workers of `node:cluster` (or
 * whoever a channel of your own connects). Requests in flight are not shared: such figures are old when they come, and
 * everybody would run to the endpoint that was idle. Whoever hears of an ejection still never ejects its last endpoint.
 * Without a channel, or when it is lost, each process goes on by what it knows itself.
 * @throws GatewayError `BAD_OPTION`
 * @example
 * if (cluster.isPrimary) relayBetweenWorkers()
 * else shareAcrossWorkers(balancer, { name: 'orders' })
 */
export function shareAcrossWorkers(balancer: SharedBalancer, given: ShareOptions = {}): ShareStatus {
  const checked = checkOptions('shareAcrossWorkers', given, checks)
  const {
    name = 'default',
    channel = clusterChannel(),
    checks: checking = 'one',
    heartbeatMs = 1_000,
    clock = systemClock,
  } = checked
  return new Sharing({ balancer, name, channel, isCheckedByOne: checking === 'one', heartbeatMs, clock, own: ownName() })
}

// The number of a worker, so that the one that was started first leads.
const ownName = (): string => `${String(cluster.worker?.id ?? 0).padStart(10, '0')}-${randomUUID()}`

const { clock, milliseconds, oneOf, optional, string, wrong } = options

const checks: Checks<ShareOptions> = {
  name: optional(string),
  channel: optional((value, path) => {
    const { send, onMessage } = (value ?? {}) as Partial<ShareChannel>
    if (typeof send !== 'function' || typeof onMessage !== 'function')
      throw wrong(value, path, 'a channel, with send and onMessage')
    return value as ShareChannel
  }),
  checks: optional(oneOf('each', 'one')),
  heartbeatMs: optional(milliseconds(10)),
  clock: optional(clock),
}
