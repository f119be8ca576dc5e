import { type Check, type Checks, type Context, options } from '@gatelet/core'
import type { BalancerOptions } from '../options.ts'
import type { Aperture } from './aperture.ts'
import type { SlowStartRules } from './ramp.ts'
import type { Match, SubsetRules } from './subsets.ts'
import type { ZoneRules } from './zone-shares.ts'

/** Where this process stands, so that requests stay in its zone as far as that is fair to all endpoints. */
export interface ZoneOptions {
  /** The zone of this process, as endpoints call theirs. */
  local: string
  /**
   * How many gateways like this one there are in each zone, 0 to 1,000,000 each. Needed where they are not spread evenly: a
   * zone with most of the gateways cannot keep all their traffic. Default: as many in each zone that has endpoints.
   */
  gateways?: Readonly<Record<string, number>>
  /** With fewer endpoints of a priority that may be picked, its zones are not told apart, 1 to 100,000. Default 6. */
  minEndpoints?: number
}

/** Which part of the endpoints a request may go to, by their metadata. */
export interface SubsetOptions {
  /** What the metadata must say, for example `{ version: 'v2' }`; undefined: any endpoint. Asked for each pick; must not throw. */
  match: (ctx: Context) => Match | undefined
  /** Where nobody in the subset may be picked: `any` asks the others, `none` refuses. Default `any`. */
  fallback?: 'any' | 'none'
  /** For how many subsets strategies are kept, those used last, 1 to 10,000. Another one more is made anew: O(n). Default 64. */
  max?: number
}

/**
 * For very many endpoints and many gateways: each gateway uses a part of them only, so that there are not as many connections
 * as both numbers make multiplied. Of each priority, at least `size` are used.
 */
export interface ApertureOptions {
  /** How many endpoints of a priority this process uses, 1 to 100,000, or less than twice as many where they cannot be parted evenly. */
  size: number
  /** The number of this process among its like: 0, 1, 2, … without gaps, as a StatefulSet gives them. 0 to 1,000,000. */
  instance: number
}

/** How an endpoint that is added, or comes back, takes up its share. */
export interface SlowStartOptions {
  /** How long it takes to its whole weight, in milliseconds. */
  windowMs: number
  /** With which part of its weight it begins, 0.01 to 1. Default 0.1. */
  minWeight?: number
  /** 1: as much more with each step. More: faster at first. Less: slower at first. 0.1 to 10. Default 1. */
  aggression?: number
}

const { either, fn, milliseconds, number, oneOf, optional, record, shape, string } = options

const count = (min: number, max: number): Check<number> => number({ min, max, integer: true })

const zoneChecks: Checks<ZoneOptions> = {
  local: string,
  gateways: optional(record(count(0, 1_000_000))),
  minEndpoints: optional(count(1, 100_000)),
}

const match = fn<SubsetOptions['match']>('a function of the context')

const subsetChecks: Checks<SubsetOptions> = {
  match,
  fallback: optional(oneOf('any', 'none')),
  max: optional(count(1, 10_000)),
}

const apertureChecks: Checks<ApertureOptions> = { size: count(1, 100_000), instance: count(0, 1_000_000) }

const slowStartChecks: Checks<SlowStartOptions> = {
  windowMs: milliseconds(),
  minWeight: optional(number({ min: 0.01, max: 1 })),
  aggression: optional(number({ min: 0.1, max: 10 })),
}

type SelectionName = 'overprovisioning' | 'panicThreshold' | 'zone' | 'subset' | 'aperture' | 'slowStart'

/** What each option that narrows the endpoints down must be. */
export const selectionChecks: Checks<Pick<BalancerOptions, SelectionName>> = {
  overprovisioning: optional(number({ min: 1, max: 1_000 })),
  panicThreshold: optional(number({ min: 0, max: 1 })),
  zone: optional(shape(zoneChecks)),
  subset: optional(either('a function of the context, or an object', match, shape(subsetChecks))),
  aperture: optional(shape(apertureChecks)),
  slowStart: optional(shape(slowStartChecks)),
}

export const zoneRules = ({ local, gateways, minEndpoints = 6 }: ZoneOptions): ZoneRules => ({ local, gateways, minEndpoints })

export function subsetRules(given: SubsetOptions | SubsetOptions['match']): SubsetRules {
  const { match, fallback = 'any', max = 64 } = typeof given === 'function' ? { match: given } : given
  return { match, fallback, max }
}

export const apertureRules = ({ size, instance }: ApertureOptions): Aperture => ({ size, instance })

export const slowStartRules = ({ windowMs, minWeight = 0.1, aggression = 1 }: SlowStartOptions): SlowStartRules => ({
  windowMs,
  minWeight,
  aggression,
})
