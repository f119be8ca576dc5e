import { type Check, type Checks, options } from '@gatelet/core'
import type { EjectionRules } from './ejection.ts'

/**
 * Passive ejection, which is the circuit breaker of each endpoint too; there is no second one with knobs of its own.
 * Closed: its requests are counted. One of the three rules finds that too many fail, and it is open: ejected, passed over
 * for a while. When its time is over it is half-open: it gets one request at a time, until `probes` of them succeeded; one
 * that fails ejects it again, for longer.
 *
 * It prefers others to those that fail: when all fail nobody is better, and all are asked. Who would rather have an error at
 * once sets `failFast`.
 */
export interface EjectionOptions {
  /** Failures in a row, 1 to 1,000,000. A success starts the count again; cancelled attempts do not count. Default 5. */
  consecutiveFailures?: number
  /**
   * Failures in a row where the server itself did not answer: nothing came, or a 502, 503 or 504. 1 to 1,000,000; less than
   * `consecutiveFailures` to be stricter with servers that are gone than with those that answer 500. Default: not counted apart.
   */
  consecutiveGatewayFailures?: number
  /** The share of failures within `windowMs`. Default: half of at least 10 requests. `false`: this rule is off. */
  failureRate?: FailureRateOptions | false
  /** Endpoints that fail more often than the others do. Default: on, where there is enough traffic. `false`: this rule is off. */
  outliers?: OutlierOptions | false
  /** The last while, for the two rules above, in milliseconds, 100 to about 24 days. Default 30,000. */
  windowMs?: number
  /**
   * How long the first ejection lasts, in milliseconds, at least 1. The k-th lasts k times as long; k falls by one for each
   * such time that passes without another. Default 30,000.
   */
  baseMs?: number
  /** The longest ejection, in milliseconds, at least `baseMs`. Default 300,000, or `baseMs` when that is longer. */
  maxMs?: number
  /**
   * Each ejection lasts longer by up to this share of itself, drawn at random, 0 to 1, so that many gateways do not all send
   * their probes at the same moment. May exceed `maxMs` by as much. Default 0.
   */
  jitter?: number
  /**
   * Which share of the endpoints may be ejected at once (those that are probed included), 0 to 1; at least one may, and never
   * the last. Default 0.75, so that of up to four endpoints the one that works is found; 1 with `failFast`.
   */
  maxShare?: number
  /** How many requests in a row must succeed, one at a time, before it is back in full; 0 to 100. 0: it is back at once. Default 1. */
  probes?: number
  /**
   * Whether an active check that passes ends an ejection before its time; the endpoint is then probed as usual. A check is
   * believed once: if the probe fails all the same, the next ejection lasts its time. Default true; nothing without `health`.
   */
  endedByCheck?: boolean
  /**
   * Whether the last endpoint may be ejected too. Then requests are refused at once while all are, with the time after which
   * to try again (`none-healthy`, `retryAfterMs`): what a circuit breaker in front of a single server does. Default false:
   * the last is always asked.
   */
  failFast?: boolean
}

/** When too large a share of the requests fails. */
export interface FailureRateOptions {
  /** Ejects from this share on, more than 0 to 1. Default 0.5. */
  threshold?: number
  /** With fewer requests in the window nothing is said, 1 to 1,000,000. Default 10. */
  minRequests?: number
}

/** When an endpoint fails more often than the others: its success rate is below mean − `stdevs` × standard deviation. */
export interface OutlierOptions {
  /** 0.1 to 10. Default 1.9, as in Envoy. */
  stdevs?: number
  /**
   * It must be below the mean by this much too, 0 to 1. Default 0.05: where all others are perfect, the deviation is so small
   * that one failure among a hundred would do.
   */
  margin?: number
  /** With fewer endpoints that have `minRequests` nothing is said, 3 to 100,000. Default 5. */
  minEndpoints?: number
  /** Requests within the window, 1 to 1,000,000. Default 100. */
  minRequests?: number
}

/** `EjectionOptions` with every default filled in. */
export function ejectionRules(given: EjectionOptions): EjectionRules {
  const { consecutiveFailures = 5, consecutiveGatewayFailures = Number.POSITIVE_INFINITY, failureRate = {} } = given
  const { outliers = {}, windowMs = 30_000, baseMs = 30_000, maxMs = Math.max(300_000, baseMs), jitter = 0 } = given
  const { probes = 1, endedByCheck = true, failFast = false, maxShare = failFast ? 1 : 0.75 } = given
  return {
    consecutiveFailures,
    consecutiveGatewayFailures,
    failureRate: failureRate === false ? undefined : { threshold: 0.5, minRequests: 10, ...failureRate },
    outliers: outliers === false ? undefined : { stdevs: 1.9, margin: 0.05, minEndpoints: 5, minRequests: 100, ...outliers },
    windowMs,
    baseMs,
    maxMs,
    jitter,
    maxShare,
    probes,
    endedByCheck,
    failFast,
  }
}

const { boolean, either, milliseconds, number, oneOf, optional, shape, wrong } = options

const count = (min = 1, max = 1_000_000): Check<number> => number({ min, max, integer: true })
const share: Check<number> = number({ min: 0, max: 1 })

const failureRate: Checks<FailureRateOptions> = {
  threshold: optional(number({ min: 0.001, max: 1 })),
  minRequests: optional(count()),
}

const outliers: Checks<OutlierOptions> = {
  stdevs: optional(number({ min: 0.1, max: 10 })),
  margin: optional(share),
  minEndpoints: optional(count(3, 100_000)),
  minRequests: optional(count()),
}

const orFalse = <T extends object>(checks: Checks<T>): Check<T | false> =>
  either('an object, or false', oneOf(false), shape(checks))

const checks: Checks<EjectionOptions> = {
  consecutiveFailures: optional(count()),
  consecutiveGatewayFailures: optional(count()),
  failureRate: optional(orFalse(failureRate)),
  outliers: optional(orFalse(outliers)),
  windowMs: optional(milliseconds(100)),
  baseMs: optional(milliseconds()),
  maxMs: optional(milliseconds()),
  jitter: optional(share),
  maxShare: optional(share),
  probes: optional(count(0, 100)),
  endedByCheck: optional(boolean),
  failFast: optional(boolean),
}

/** What `ejection` must be, where it is not `false`. */
export const ejectionCheck: Check<EjectionOptions> = (value, path) => {
  const checked = shape(checks)(value, path)
  const { baseMs = 30_000, maxMs = baseMs } = checked
  if (maxMs < baseMs) throw wrong(maxMs, `${path}.maxMs`, `at least baseMs, which is ${baseMs}`)
  return checked
}
