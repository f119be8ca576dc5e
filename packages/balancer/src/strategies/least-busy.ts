import type { Endpoint, PickContext } from '@gatelet/core'

/** How busy an endpoint would be with one request more, for its weight. */
export const busyness = (endpoint: Endpoint): number => (endpoint.inflight + 1) / endpoint.weight

/** Where the least busy one stands of those that may be picked; of equals, the first from `start` on, around the end. -1: none. */
export function leastBusyAt(endpoints: readonly Endpoint[], context: PickContext, start: number): number {
  const count = endpoints.length
  let bestAt = -1
  let best = Number.POSITIVE_INFINITY
  for (let step = 0; step < count; step++) {
    const at = start + step < count ? start + step : start + step - count
    const endpoint = endpoints[at] as Endpoint
    const busy = busyness(endpoint)
    // The weight of the only one may be so small that it is infinitely busy.
    if ((bestAt >= 0 && busy >= best) || !context.accepts(endpoint)) continue
    bestAt = at
    best = busy
  }
  return bestAt
}

/** For `explain`: what may be picked, by how busy it would be. */
export function busyScores(endpoints: readonly Endpoint[], context: PickContext): { id: string; score: number }[] {
  return endpoints
    .filter((endpoint) => context.accepts(endpoint))
    .map((endpoint) => ({ id: endpoint.id, score: busyness(endpoint) }))
}
