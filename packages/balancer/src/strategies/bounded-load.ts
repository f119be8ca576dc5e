import { type Checks, checkOptions, type Endpoint, options, type PickContext, type StrategyFactory } from '@gatelet/core'
import { busyness, leastBusyAt } from './least-busy.ts'
import { weighted } from './weights.ts'

/** How far above its share an endpoint may be loaded. */
export interface BoundedLoadOptions {
  /**
   * How many times its share of all requests in flight an endpoint may have, more than 1, at most 1,000. The smaller, the more
   * even the load and the more keys are away from home. Default 1.25.
   */
  factor?: number
}

/**
 * Puts a bound on what a strategy gives to one endpoint, for keys that are not asked for equally often (Mirrokni and others,
 * "Consistent Hashing with Bounded Loads", 2016). With m requests in flight, an endpoint of weight w gets one more only if
 * it has no more than ⌈factor · (m + 1) · w / W⌉ with it, W being the sum of the weights: strictly, as HAProxy does. One
 * that is full is passed over as if it refused, so that each key goes to the next in its own order. Where all that may be
 * picked are full, which can only be when others refuse, the least busy one is picked.
 *
 * The requests in flight are summed up for each pick whose first endpoint is busy: O(n), also around `maglev`.
 * @throws GatewayError `BAD_OPTION`
 * @example createBalancer({ endpoints, strategy: boundedLoad(rendezvous), hashKey: byHeader('x-tenant') })
 */
export function boundedLoad(strategy: StrategyFactory, given: BoundedLoadOptions = {}): StrategyFactory {
  const checked = checkOptions('boundedLoad', { ...given, strategy }, checks)
  const { factor = 1.25 } = checked
  return (env) => {
    const inner = checked.strategy(env)
    const bounds = new Bounds(factor)
    return {
      update(snapshot) {
        bounds.update(snapshot)
        inner.update(snapshot)
      },
      pick(context) {
        const picked = inner.pick(bounds.within(context))
        bounds.done()
        return picked ?? bounds.leastBusy(context)
      },
      report: (endpoint, outcome) => inner.report?.(endpoint, outcome),
      explain(context) {
        const within = inner.explain?.(bounds.within(context)) ?? []
        bounds.done()
        const worst = within.reduce((most, { score }) => Math.max(most, score), 0)
        return [...within, ...bounds.full(context).map((full) => ({ id: full.id, score: worst + busyness(full) }))]
      },
    }
  }
}

/** Narrows what a pick accepts to the endpoints that have room. One serves all picks, one after another. */
class Bounds implements PickContext {
  hashKey: string | undefined
  attempt = 0
  private readonly factor: number
  private endpoints: readonly Endpoint[] = []
  /** The factor, by the sum of the weights. */
  private perWeight = 0
  private context: PickContext = nobody
  // Summed up only when it matters: -1 before.
  private inflight = -1

  constructor(factor: number) {
    this.factor = factor
  }

  update(snapshot: readonly Endpoint[]): void {
    this.endpoints = weighted(snapshot)
    this.perWeight = this.factor / this.endpoints.reduce((sum, { weight }) => sum + weight, 0)
  }

  within(context: PickContext): PickContext {
    this.hashKey = context.hashKey
    this.attempt = context.attempt
    this.context = context
    this.inflight = -1
    return this
  }

  /** Lets go of the request. */
  done(): void {
    this.context = nobody
    this.hashKey = undefined
  }

  // Bound, so that a strategy may take its context apart.
  readonly accepts = (endpoint: Endpoint): boolean => this.hasRoom(endpoint) && this.context.accepts(endpoint)

  leastBusy(context: PickContext): Endpoint | undefined {
    return this.endpoints[leastBusyAt(this.endpoints, context, 0)]
  }

  /** Those that `context` accepts and that have no room. */
  full(context: PickContext): readonly Endpoint[] {
    return this.endpoints.filter((endpoint) => context.accepts(endpoint) && !this.hasRoom(endpoint))
  }

  private hasRoom(endpoint: Endpoint): boolean {
    // Nobody's bound is below 1.
    if (endpoint.inflight === 0) return true
    if (this.inflight < 0) this.inflight = inflightOf(this.endpoints)
    const bound = (this.inflight + 1) * endpoint.weight * this.perWeight
    // No more than the bound, rounded up, with one more: less than it now. Without what the multiplications are off by: 1.1 × 10
    // must not be rounded up to 12.
    return endpoint.inflight < bound - 1e-9
  }
}

const nobody: PickContext = Object.freeze({ hashKey: undefined, attempt: 0, accepts: () => false })

function inflightOf(endpoints: readonly Endpoint[]): number {
  let sum = 0
  for (let at = 0; at < endpoints.length; at++) sum += (endpoints[at] as Endpoint).inflight
  return sum
}

const checks: Checks<BoundedLoadOptions & { strategy: StrategyFactory }> = {
  strategy: options.fn<StrategyFactory>('a strategy factory'),
  factor: options.optional(options.number({ min: 1 + Number.EPSILON, max: 1_000 })),
}
