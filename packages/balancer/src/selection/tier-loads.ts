/** How healthy one priority is. */
export interface TierHealth {
  /** Endpoints with a weight. */
  readonly total: number
  readonly healthy: number
}

/** How much of the traffic one priority gets. */
export interface TierLoad {
  /** 0 to 1; those of all priorities sum to 1, unless nobody may be picked. */
  readonly share: number
  /** Its health is ignored: so few are healthy that these would break down under the load. */
  readonly isPanicking: boolean
}

/** What decides about the shares. */
export interface TierRules {
  /** By how much the endpoints are more than are needed: with 1.4, 71.4 % of them can take the whole load. */
  readonly overprovisioning: number
  /** Below which share of healthy endpoints health is ignored. 0: never. */
  readonly panicThreshold: number
}

/**
 * How the traffic is shared among priorities, the first of which gets as much as it can take. Envoy's rules: a priority can
 * take `overprovisioning` times its share of healthy endpoints, at most all; what it cannot take goes down to the next. When
 * they cannot take everything together, each gets in proportion to what it can take, and those below the panic threshold ignore
 * health; when all are below, each gets in proportion to its endpoints.
 */
export function tierLoads(tiers: readonly TierHealth[], rules: TierRules): readonly TierLoad[] {
  const capacities = tiers.map((tier) => Math.min(1, rules.overprovisioning * healthyShare(tier)))
  const capacity = capacities.reduce((sum, each) => sum + each, 0)
  // A sum that is 1 but for rounding is enough: nothing is missing.
  const isEnough = capacity > 1 - 1e-9
  const panicking = tiers.map((tier) => !isEnough && tier.total > 0 && healthyShare(tier) < rules.panicThreshold)
  const inhabited = tiers.filter(({ total }) => total > 0)
  const isPanickingEverywhere = inhabited.length > 0 && tiers.every(({ total }, at) => total === 0 || panicking[at])
  const shares = isPanickingEverywhere ? byCount(tiers) : fromTheFirst(capacities, isEnough ? 1 : capacity)
  return tiers.map((_, at) => ({ share: shares[at] as number, isPanicking: panicking[at] as boolean }))
}

const healthyShare = ({ total, healthy }: TierHealth): number => (total === 0 ? 0 : healthy / total)

function byCount(tiers: readonly TierHealth[]): readonly number[] {
  const sum = tiers.reduce((all, { total }) => all + total, 0)
  return tiers.map(({ total }) => total / sum)
}

function fromTheFirst(capacities: readonly number[], needed: number): readonly number[] {
  let left = 1
  return capacities.map((capacity) => {
    const share = needed === 0 ? 0 : Math.min(left, capacity / needed)
    left -= share
    return share
  })
}
