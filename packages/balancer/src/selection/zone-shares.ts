/** Where this process stands, and when that matters. `ZoneOptions` with every default filled in. */
export interface ZoneRules {
  readonly local: string
  /** How many gateways there are in each zone; undefined: as many in each zone that has endpoints. */
  readonly gateways: Readonly<Record<string, number>> | undefined
  readonly minEndpoints: number
}

/** One zone of a priority. */
export interface ZoneCapacity {
  readonly zone: string
  /** How many endpoints may be picked there. */
  readonly count: number
  /** The sum of their weights. */
  readonly weight: number
}

/**
 * How this process shares its traffic among zones so that as much of it as possible stays local, and yet every endpoint gets
 * as much as its weight says when all gateways do the same. Envoy's rules: everything stays where the zone has at least as great a
 * share of the weights as of the gateways; otherwise what it can take stays, and the rest goes to the zones that have more
 * than their own gateways need, in proportion to how much more.
 * @returns the share of each zone, in their order; undefined where zones are not told apart: there is only one, too few
 * endpoints, or nobody in the local zone
 */
export function zoneShares(zones: readonly ZoneCapacity[], rules: ZoneRules): readonly number[] | undefined {
  const count = zones.reduce((sum, zone) => sum + zone.count, 0)
  const local = zones.findIndex(({ zone }) => zone === rules.local)
  if (zones.length < 2 || count < rules.minEndpoints || local < 0) return undefined
  const callers = callerShares(zones, rules)
  if (!callers) return undefined
  const weight = zones.reduce((sum, zone) => sum + zone.weight, 0)
  const capacities = zones.map((zone) => zone.weight / weight)
  const stays = Math.min(1, (capacities[local] as number) / (callers[local] as number))
  if (stays > 1 - 1e-9) return zones.map((_, at) => (at === local ? 1 : 0))
  const spare = zones.map((_, at) => (at === local ? 0 : Math.max(0, (capacities[at] as number) - (callers[at] as number))))
  const allSpare = spare.reduce((sum, each) => sum + each, 0)
  return spare.map((each, at) => (at === local ? stays : ((1 - stays) * each) / allSpare))
}

// Undefined when we know nothing of gateways in our own zone: then nothing can be said about it.
function callerShares(zones: readonly ZoneCapacity[], { gateways, local }: ZoneRules): readonly number[] | undefined {
  if (!gateways) return zones.map(() => 1 / zones.length)
  const all = Object.values(gateways).reduce((sum, each) => sum + each, 0)
  if (!Object.hasOwn(gateways, local) || !gateways[local]) return undefined
  return zones.map(({ zone }) => (Object.hasOwn(gateways, zone) ? (gateways[zone] as number) / all : 0))
}
