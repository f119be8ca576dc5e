import {
  type Check,
  type Checks,
  type Clock,
  type Context,
  checkOptions,
  type Handler,
  options,
  type StrategyFactory,
  systemClock,
} from '@gatelet/core'
import { type AffinityOptions, type AffinityRules, affinityCheck, affinityRules } from './affinity/options.ts'
import { type EndpointLists, fromIterable, isIterable } from './discovery/from-iterable.ts'
import { type DiscoveryOptions, type DiscoveryRules, discoveryOptions, discoveryRules } from './discovery/options.ts'
import { type DiscoverySource, isSource } from './discovery/source.ts'
import type { EjectionRules } from './ejection.ts'
import { type EjectionOptions, ejectionCheck, ejectionRules } from './ejection-options.ts'
import { type EndpointInit, type EndpointSpec, endpoints } from './endpoint-options.ts'
import type { HashKey } from './hash-key.ts'
import { type HealthCheck, type HealthOptions, healthCheck } from './health/options.ts'
import {
  type LimitOptions,
  type LimitRules,
  limitChecks,
  limitRules,
  type QueueOptions,
  queue,
  queueRules,
} from './limits/options.ts'
import {
  type ApertureOptions,
  apertureRules,
  type SlowStartOptions,
  type SubsetOptions,
  selectionChecks,
  slowStartRules,
  subsetRules,
  type ZoneOptions,
  zoneRules,
} from './selection/options.ts'
import type { SelectionRules } from './selection/selection.ts'
import { type LoadShedder, shedder } from './shedding/load-shedder.ts'
import { type StrategyName, strategies } from './strategies/by-name.ts'

/** How a set of endpoints is balanced. */
export interface BalancerOptions<V = URL | Handler> {
  /**
   * A list, at most 100,000; it may be empty, for a set that is filled later: until then every request is refused. Or a source
   * that finds them while the program runs (`dns`, `dnsSrv`, `watchedFile`, `consul`, `kubernetes`, one of your own), or whole
   * lists out of an async iterable: see `ready()` for the time before the first of them.
   */
  endpoints: readonly EndpointInit<V>[] | DiscoverySource | EndpointLists
  /** What is made of the lists that a source finds. */
  discovery?: DiscoveryOptions
  /** Which endpoint is picked, of those that may be: by name, or a factory of your own. Default `two-choices`. */
  strategy?: StrategyName | StrategyFactory
  /** When an endpoint that fails is passed over for a while. `false`: never. */
  ejection?: EjectionOptions | false
  /**
   * Checks endpoints by asking them, so that one that is down is passed over before a request meets it: `{ path: '/healthz' }`,
   * `{ type: 'tcp' }`, `{ type: 'grpc' }`, or a function of your own. Default: nobody is checked.
   */
  health?: HealthOptions | HealthCheck
  /**
   * Requests with the same key go to the same endpoint, where the strategy hashes: `byHeader`, `byCookie`, `byQuery`,
   * `byParam`, `byClientAddress`, or any function of the context. Asked at most once for each pick, and only by strategies
   * that look at it. Default: what the ask itself says.
   */
  hashKey?: HashKey
  /**
   * How many times over the endpoints of a priority can take its load, 1 to 1,000. With 1.4, a priority keeps all its requests
   * while at least 71.4 % of its endpoints are healthy; what it cannot take goes to the next one. Default 1.4.
   */
  overprovisioning?: number
  /**
   * Below which share of healthy endpoints health is ignored, 0 to 1: those that are left would break down under the load of
   * all. Only where the priorities together cannot take everything. 0: never; then requests are refused when nobody is
   * healthy. Default 0.5, or what `ejection.maxShare` leaves when that is less, which is 0.25 unless either is set: what may be
   * ejected is not asked all the same.
   */
  panicThreshold?: number
  /** Where this process stands: requests stay in its zone as far as that is fair. Default: zones do not matter. */
  zone?: ZoneOptions
  /** Which endpoints a request may go to, by their metadata. A function alone stands for `{ match }`. Default: all. */
  subset?: SubsetOptions | SubsetOptions['match']
  /** Which part of a very large set this process uses. Default: all of it. */
  aperture?: ApertureOptions
  /** How many requests may be in flight. What is at its limit is not picked. Default: no limits. */
  limits?: LimitOptions
  /** Where requests wait for an endpoint below its limit. Default false: they are refused at once (`queue-full`). */
  queue?: QueueOptions | false
  /** Refuses the least important requests (`overloaded`) while this process is too busy. Not closed with the balancer. Default: none. */
  shed?: LoadShedder
  /** How important a request is, for the queue and for `shed`: higher comes first. Any number. Default: what the ask itself says, or 0. */
  priority?: (ctx: Context) => number
  /** Whether the requests of a client stay at one endpoint. Default: no. */
  affinity?: AffinityOptions
  /**
   * For which share of the requests it is told why their endpoint was picked (`gatelet:endpoint:explained`), 0 to 1. Costs
   * O(n) for each of them, and nothing for the others. Default 0.
   */
  explainShare?: number
  /** How an endpoint that is added while others work, or comes back, takes up its share. Default: at once. */
  slowStart?: SlowStartOptions
  /**
   * How long `remove`, `replace`, `drain` and `close` wait for requests in flight, in milliseconds, 0 to about 24 days.
   * Nothing is broken off when it is over; they only stop waiting. Default 30,000.
   */
  drainMs?: number
  /** Names this balancer in events and warnings. */
  name?: string
  /** Where time and chance come from. */
  clock?: Clock
}

/** How long to wait for requests in flight. */
export interface DrainOptions {
  /** In milliseconds, 0 to about 24 days. Default: the balancer's `drainMs`. */
  deadlineMs?: number
}

/** How an endpoint is ejected by hand. */
export interface EjectOptions {
  /** In milliseconds, 0 to about 24 days. Default: `ejection.baseMs`. */
  forMs?: number
  /** For people. Default: that it was done by hand. */
  reason?: string
}

/** Checked, and every default filled in. */
export interface BalancerSettings extends SelectionRules {
  /** To begin with: none where there is a source. */
  readonly endpoints: readonly EndpointSpec[]
  readonly source: DiscoverySource | undefined
  readonly discovery: DiscoveryRules
  readonly strategy: StrategyFactory
  readonly ejection: EjectionRules | undefined
  readonly health: HealthOptions | undefined
  readonly affinity: AffinityRules | undefined
  readonly explainShare: number
  readonly hashKey: ((ctx: Context) => string | undefined) | undefined
  readonly limits: LimitRules
  readonly queue: Required<QueueOptions> | undefined
  readonly priority: ((ctx: Context) => number) | undefined
  readonly shed: LoadShedder | undefined
  readonly drainMs: number
  readonly name: string | undefined
  readonly clock: Clock
}

/** @throws GatewayError `BAD_OPTION` */
export function balancerSettings(given: BalancerOptions<unknown>): BalancerSettings {
  const checked = checkOptions('createBalancer', given, balancerChecks)
  const { strategy = 'two-choices', ejection = {}, hashKey, drainMs = 30_000, name, clock = systemClock } = checked
  const rules = ejection === false ? undefined : ejectionRules(ejection)
  return {
    endpoints: isList(checked.endpoints) ? checked.endpoints : [],
    source: isList(checked.endpoints) ? undefined : sourceOf(checked.endpoints),
    discovery: discoveryRules(checked.discovery ?? {}),
    strategy: typeof strategy === 'string' ? strategies[strategy] : strategy,
    ejection: rules,
    health: checked.health,
    hashKey,
    affinity: checked.affinity && affinityRules(checked.affinity),
    explainShare: checked.explainShare ?? 0,
    ...selectionRules(checked, rules),
    limits: limitRules(checked.limits ?? {}),
    queue: queueRules(checked.queue ?? false),
    priority: checked.priority,
    shed: checked.shed,
    drainMs,
    name,
    clock,
  }
}

function selectionRules(given: BalancerOptions<unknown>, ejection: EjectionRules | undefined): SelectionRules {
  const { overprovisioning = 1.4, panicThreshold = Math.min(0.5, 1 - (ejection?.maxShare ?? 0)) } = given
  return {
    tiers: { overprovisioning, panicThreshold },
    zone: given.zone && zoneRules(given.zone),
    subset: given.subset && subsetRules(given.subset),
    aperture: given.aperture && apertureRules(given.aperture),
    slowStart: given.slowStart && slowStartRules(given.slowStart),
  }
}

const { clock, either, fn, milliseconds, number, oneOf, optional, shape, string, wrong } = options

type CheckedEndpoints = readonly EndpointSpec[] | DiscoverySource | EndpointLists

interface CheckedOptions extends BalancerOptions {
  endpoints: CheckedEndpoints
  health?: HealthOptions
}

const isList = (given: CheckedEndpoints): given is readonly EndpointSpec[] => Array.isArray(given)

const sourceOf = (given: DiscoverySource | EndpointLists): DiscoverySource => (isSource(given) ? given : fromIterable(given))

const endpointsOrSource: Check<CheckedEndpoints> = (value, path) => {
  if (Array.isArray(value)) return endpoints(value, path)
  if (isSource(value) || isIterable(value)) return value
  throw wrong(value, path, 'a list of endpoints, a discovery source or an async iterable of lists')
}

const strategyNames = Object.keys(strategies) as StrategyName[]

/** What each option must be, for options that hold a balancer's. They return a copy, with every endpoint written out in full. */
export const balancerChecks: Checks<CheckedOptions> = {
  endpoints: endpointsOrSource,
  discovery: optional(discoveryOptions),
  strategy: optional(
    either(
      `${strategyNames.map((name) => `'${name}'`).join(', ')} or a strategy factory`,
      oneOf(...strategyNames),
      fn<StrategyFactory>(),
    ),
  ),
  ejection: optional(either('an object, or false', oneOf(false), ejectionCheck)),
  health: optional(healthCheck),
  hashKey: optional(fn<NonNullable<BalancerOptions['hashKey']>>('a function of the context')),
  affinity: optional(affinityCheck),
  explainShare: optional(number({ min: 0, max: 1 })),
  ...selectionChecks,
  limits: optional(shape(limitChecks)),
  queue: optional(queue),
  shed: optional(shedder),
  priority: optional(fn<NonNullable<BalancerOptions['priority']>>('a function of the context')),
  drainMs: optional(milliseconds(0)),
  name: optional(string),
  clock: optional(clock),
}

/** What a call to eject may say. */
export const ejectChecks: Checks<EjectOptions> = { forMs: optional(milliseconds(0)), reason: optional(string) }

/** What a call to drain may say. */
export const drainChecks: Checks<DrainOptions> = { deadlineMs: optional(milliseconds(0)) }
