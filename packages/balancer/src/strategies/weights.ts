import { type Endpoint, options } from '@gatelet/core'

/**
 * The endpoints of a snapshot that have a share of the traffic, in their order.
 * @throws GatewayError `BAD_OPTION` for a weight that is negative, infinite or not a number
 */
export function weighted(snapshot: readonly Endpoint[]): readonly Endpoint[] {
  for (const [at, { weight }] of snapshot.entries()) isWeight(weight, `endpoints[${at}].weight`)
  return snapshot.filter(({ weight }) => weight > 0)
}

const isWeight = options.number({ min: 0, max: Number.MAX_VALUE })
