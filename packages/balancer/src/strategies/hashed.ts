import type { Endpoint, PickContext, Strategy, StrategyFactory } from '@gatelet/core'
import { twoChoices } from './two-choices.ts'
import { weighted } from './weights.ts'
import { xxHash32 } from './xxhash32.ts'

/** For each key an order of the endpoints, which depends on key, ids and weights alone. */
export interface KeyOrder {
  /** The first in the order of this key (as its hash, 32 bits) of those that `context` accepts. */
  first(key: number, context: PickContext): Endpoint | undefined
  /** How far the endpoint at this place of the list is from being the first; lower is nearer. */
  distance(key: number, at: number): number
}

/**
 * Makes a strategy that sends a key to the first acceptable endpoint in the key's own order, so that a retry goes to the
 * key's next one, the same each time. What has no key is spread by `twoChoices`: there is nothing to keep together.
 * @param orderOf is given endpoints with a weight, ordered by id, whatever their order in the snapshot was
 */
export function hashed(orderOf: (endpoints: readonly Endpoint[]) => KeyOrder): StrategyFactory {
  return (env): Strategy => {
    const keyless = twoChoices(env)
    let endpoints: readonly Endpoint[] = []
    let order = orderOf(endpoints)
    return {
      update(snapshot) {
        endpoints = weighted(snapshot).toSorted(byId)
        order = orderOf(endpoints)
        keyless.update(snapshot)
      },
      pick(context) {
        const { hashKey } = context
        return hashKey === undefined ? keyless.pick(context) : order.first(xxHash32(hashKey), context)
      },
      explain(context) {
        const { hashKey } = context
        if (hashKey === undefined) return keyless.explain?.(context) ?? []
        const key = xxHash32(hashKey)
        return endpoints.flatMap((endpoint, at) =>
          context.accepts(endpoint) ? [{ id: endpoint.id, score: order.distance(key, at) }] : [],
        )
      },
    }
  }
}

// By code units: an order by language would differ from one machine to the next.
const byId = (a: Endpoint, b: Endpoint): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
