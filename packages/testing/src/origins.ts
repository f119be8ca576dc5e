import { type Checks, type Clock, checkOptions, options, systemClock } from '@gatelet/core'
import type { Origin, OriginHandler, UpgradeHandler } from './origin.ts'
import { OriginServer } from './origin-server.ts'
import { tellWho } from './tell-who.ts'

/** How the origins of a farm behave. */
export interface OriginsOptions {
  /**
   * Who answers: one for all, or one for each. Default: 200 and JSON with `id`, `method`, `url` and `headers`, when the
   * whole request is here.
   */
  handler?: OriginHandler | readonly OriginHandler[]
  /** Takes requests with `Upgrade`. Left out, they are answered like the others. */
  upgrade?: UpgradeHandler
  /** For faults that wait. Default: the machine's. */
  clock?: Clock
  /** How many requests each origin remembers; older ones are forgotten. Default: 1000. */
  keepRequests?: number
  /** How many bytes of each request's body are remembered. Default: 1 MiB. */
  keepBodyBytes?: number
}

/** Origin servers for one test. `await using farm = await origins(3)` closes them at its end. */
export interface OriginFarm extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` of each. */
  readonly urls: string[]
  readonly servers: readonly Origin[]
  /** Requests that came to all together. */
  readonly hits: number
  /** Kills one at once, as `kill -9` does: nothing listens, every connection is closed. */
  stop(index: number): Promise<void>
  /** Starts it again on the same port. */
  start(index: number): Promise<void>
  /** Makes all as new; see `Origin.reset`. */
  reset(): Promise<void>
  /** Stops all. */
  close(): Promise<void>
}

/**
 * Starts real HTTP servers on free ports of 127.0.0.1. They keep idle connections for ever, so that it is the test that
 * says when one closes.
 * @param n how many, 1 to 1000
 * @throws GatewayError `BAD_OPTION`
 */
export async function origins(n: number, settings: OriginsOptions = {}): Promise<OriginFarm> {
  const { n: count } = checkOptions<{ n: number }>('origins', { n }, { n: options.number({ min: 1, max: 1000, integer: true }) })
  const {
    handler = tellWho,
    keepRequests = 1000,
    keepBodyBytes = 1_048_576,
    clock = systemClock,
    upgrade,
  } = checkOptions('origins', settings, checks)
  const handlerFor = (id: number) => (typeof handler === 'function' ? handler : (handler[id] ?? tellWho))
  const servers = Array.from(
    { length: count },
    (_, id) => new OriginServer(id, { handler: handlerFor(id), upgrade, keepRequests, keepBodyBytes, clock }),
  )
  await Promise.all(servers.map((server) => server.start()))
  return farmOf(servers)
}

function farmOf(servers: readonly OriginServer[]): OriginFarm {
  const at = (index: number) => {
    const server = servers[index]
    if (!server) throw new RangeError(`there is no origin ${index}: the farm has ${servers.length}`)
    return server
  }
  const close = async () => {
    await Promise.all(servers.map((server) => server.stop()))
  }
  return {
    urls: servers.map((server) => server.url),
    servers,
    get hits() {
      return servers.reduce((sum, { hits }) => sum + hits, 0)
    },
    stop: async (index) => at(index).stop(),
    start: async (index) => at(index).start(),
    async reset() {
      await Promise.all(servers.map((server) => server.reset()))
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

const anyHandler = options.fn<OriginHandler>('a function (req, res, origin)')

const checks: Checks<OriginsOptions> = {
  handler: options.optional(options.either('a handler or a list of them', anyHandler, options.list(anyHandler))),
  upgrade: options.optional(options.fn<UpgradeHandler>('a function (req, socket, head, origin)')),
  clock: options.optional(options.clock),
  keepRequests: options.optional(options.number({ min: 1, max: 1_000_000, integer: true })),
  keepBodyBytes: options.optional(options.number({ min: 0, max: 1_073_741_824, integer: true, unit: 'bytes' })),
}
