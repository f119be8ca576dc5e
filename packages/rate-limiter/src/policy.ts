import { type Check, type Checks, type Context, GatewayError, options } from '@gatelet/core'
import { type Duration, duration, durationText } from './duration.ts'
import { labelOf } from './headers.ts'
import type { RateKey } from './keys.ts'
import type { RateRule } from './store.ts'

/** What one request costs: so many units, or a function that says so. 0 to 10^15; fractions count as they are. */
export type RateCost<S extends object = {}> = number | ((ctx: Context<S>) => number)

/** How much somebody may ask for. */
export interface RatePolicyOptions<S extends object = {}> {
  /**
   * What clients, events and stores know it by, 1 to 64 printable ASCII characters. Policies of the same name in the same store
   * share their counts. Default: `100-per-1m`, after its numbers.
   */
  name?: string
  /** Units for each `per`; of `concurrency`: requests at the same time. 1 to a billion. */
  limit: number
  /** For how long the limit is, 1 ms to 366 days; or a `day`, `week` (from Monday) or `month` of the calendar, in UTC. Not for `concurrency`. */
  per?: Duration | 'day' | 'week' | 'month'
  /**
   * `gcra`: a bucket that refills evenly; at most `limit + burst` in any time of that length. `sliding`: the last `per`,
   * as counted in two windows. `fixed`: a window from the first request on. `concurrency`: requests in flight.
   * Default: `gcra`; with a period of the calendar it is a quota, and nothing else can be chosen.
   */
  algorithm?: 'gcra' | 'sliding' | 'fixed' | 'concurrency'
  /** With `gcra`: how many units at once, 1 to a billion. Default: as many as the limit. */
  burst?: number
  /** Who is counted by this policy. Default: as for the whole limiter. */
  key?: RateKey<S>
  /** What a request costs, by this policy. Default: as for the whole limiter. A policy of `concurrency` counts requests. */
  cost?: RateCost<S>
  /** Whether the policy holds for a request at all. Default: for every one. */
  when?: (ctx: Context<S>) => boolean
}

/** What a limiter says for all of its policies. */
export interface PolicyDefaults<S extends object> {
  readonly key?: RateKey<S> | undefined
  readonly cost?: RateCost<S> | undefined
  readonly when?: ((ctx: Context<S>) => boolean) | undefined
}

/** A policy that is checked and made ready. */
export interface Policy<S extends object> {
  readonly rule: RateRule
  /** Its name as it stands in header fields. */
  readonly label: string
  readonly key: RateKey<S> | undefined
  readonly cost: RateCost<S>
  readonly when: ((ctx: Context<S>) => boolean) | undefined
}

const { either, fn, number, oneOf, optional, shape, wrong } = options

const amount = number({ min: 1, max: 1_000_000_000, integer: true })

const name: Check<string> = (value, path) => {
  if (typeof value !== 'string' || !/^[\x20-\x7e]{1,64}$/.test(value))
    throw wrong(value, path, '1 to 64 printable ASCII characters')
  return value
}

/** What `cost` must be. */
const cost: Check<RateCost> = either(
  'a number from 0 to 1000000000, or a function of the context',
  number({ min: 0, max: 1_000_000_000 }),
  fn<(ctx: Context) => number>(),
)

/** What each option of a policy must be. */
export const policyChecks: Checks<RatePolicyOptions> = {
  name: optional(name),
  limit: amount,
  per: optional(either("a duration such as '10s' or '1m', or day, week or month", oneOf('day', 'week', 'month'), duration)),
  algorithm: optional(oneOf('gcra', 'sliding', 'fixed', 'concurrency')),
  burst: optional(amount),
  key: optional(fn<RateKey>('a function of the context')),
  cost: optional(cost),
  when: optional(fn<(ctx: Context) => boolean>('a function of the context')),
}

/** Checks a policy, what it says together too. */
export const policy: Check<RatePolicyOptions> = (value, path) => {
  const checked = shape(policyChecks)(value, path)
  const { per, algorithm, burst, cost } = checked
  const at = (option: string) => (path === '' ? option : `${path}.${option}`)
  const isConcurrency = algorithm === 'concurrency'
  const isCalendar = typeof per === 'string'
  if (per === undefined && !isConcurrency) throw wrong(per, at('per'), "a duration such as '10s' or '1m', or day, week or month")
  if (per !== undefined && isConcurrency) throw wrong(per, at('per'), 'left out: concurrency is a limit at any time')
  if (cost !== undefined && isConcurrency) throw wrong(cost, at('cost'), 'left out: concurrency counts requests')
  if (algorithm !== undefined && isCalendar) throw wrong(algorithm, at('algorithm'), `left out with a ${per} of the calendar`)
  if (burst !== undefined && (isCalendar || (algorithm ?? 'gcra') !== 'gcra'))
    throw wrong(burst, at('burst'), 'left out: only gcra has a burst')
  return checked
}

/**
 * @param checked what `policy` has accepted
 * @param defaults what the limiter says for all of its policies
 */
export function policyFrom<S extends object>(checked: RatePolicyOptions<S>, defaults: PolicyDefaults<S>): Policy<S> {
  const rule = ruleFrom(checked)
  return {
    rule,
    label: labelOf(rule),
    key: checked.key ?? defaults.key,
    cost: rule.algorithm === 'concurrency' ? 1 : (checked.cost ?? defaults.cost ?? 1),
    when: checked.when ?? defaults.when,
  }
}

/** @param checked what `policy` has accepted */
export function ruleFrom({ name: given, limit, per, algorithm = 'gcra', burst = limit }: RatePolicyOptions<never>): RateRule {
  if (algorithm === 'concurrency') return { algorithm, name: given ?? `${limit}-at-once`, limit }
  if (per === 'day' || per === 'week' || per === 'month')
    return { algorithm: 'calendar', name: given ?? `${limit}-per-${per}`, limit, unit: per }
  const windowMs = per as number
  const name = given ?? `${limit}-per-${durationText(windowMs)}`
  return algorithm === 'gcra' ? { algorithm, name, limit, windowMs, burst } : { algorithm, name, limit, windowMs }
}

/** How much a rule lets anybody have at once. */
export function capacityOf(rule: RateRule): number {
  return rule.algorithm === 'gcra' ? rule.burst : rule.limit
}

/** So large that nobody means it, so small that no sum of them is ever infinite. */
const MAX_COST = 1e15

/** What a request costs. @throws GatewayError `INTERNAL` when the function says what is no cost */
export function costOf<S extends object>({ cost, rule }: Policy<S>, ctx: Context<S>): number {
  if (typeof cost === 'number') return cost
  return checkedCost(cost(ctx), `the cost of a request by the policy ${rule.name}`)
}

/** @throws GatewayError `INTERNAL` */
export function checkedCost(cost: number, what: string): number {
  // Programs without types may say it as a text, which would be appended to a count.
  if (typeof cost === 'number' && cost >= 0 && cost <= MAX_COST) return cost
  throw new GatewayError('INTERNAL', {
    message: `${what} must be a number that is not negative, at most 10^15 (got ${options.shown(cost)})`,
  })
}
