import { type Checks, options } from '@gatelet/core'
import { type AdaptiveName, type AdaptiveOptions, type AdaptiveRules, adaptive, adaptiveRules } from './adaptive-options.ts'

/** How many requests may be in flight at once. */
export interface LimitOptions {
  /** At one endpoint, unless it has a `maxInflight` of its own; 1 to 1,000,000. Default: no limit. */
  perEndpoint?: number
  /** At all endpoints together, 1 to 1,000,000. Default: no limit. */
  total?: number
  /**
   * Finds the limit of each endpoint by its latency, within what is given above: `gradient`, `aimd`, or one of them with its
   * figures. Each endpoint has a limit of its own, so that a slow one does not make the others idle. Default: none.
   */
  adaptive?: AdaptiveName | AdaptiveOptions
}

/** Where requests wait while every endpoint that may be picked is at its limit. */
export interface QueueOptions {
  /** How many may wait, 1 to 1,000,000. One more is refused (`queue-full`), or pushes out the newest of a lower priority. */
  size: number
  /** How long one may wait, in milliseconds; then it is refused (`queue-timeout`). An earlier deadline of its own counts. Default 2,000. */
  timeoutMs?: number
  /**
   * Who comes first, of the same priority: always the oldest (`fifo`), or the newest while the oldest has waited longer than
   * half its time (`adaptive-lifo`): under overload some are then served well, where all would be served too late. Default `fifo`.
   */
  order?: 'fifo' | 'adaptive-lifo'
  /** Whether requests also wait while no endpoint may be picked at all, after the last one was taken out for example. Default false. */
  whileNoneHealthy?: boolean
}

/** `LimitOptions` with every default filled in. */
export interface LimitRules {
  readonly perEndpoint: number
  readonly total: number
  readonly adaptive: AdaptiveRules | undefined
}

const { boolean, either, milliseconds, number, oneOf, optional, shape } = options

/** A limit: 1 to 1,000,000. */
const limit: options.Check<number> = number({ min: 1, max: 1_000_000, integer: true })

export const limitChecks: Checks<LimitOptions> = {
  perEndpoint: optional(limit),
  total: optional(limit),
  adaptive: optional(adaptive),
}

const queueChecks: Checks<QueueOptions> = {
  size: limit,
  timeoutMs: optional(milliseconds()),
  order: optional(oneOf('fifo', 'adaptive-lifo')),
  whileNoneHealthy: optional(boolean),
}

export const queue: options.Check<QueueOptions | false> = either('an object, or false', oneOf(false), shape(queueChecks))

export function limitRules({ perEndpoint, total, adaptive }: LimitOptions): LimitRules {
  return {
    perEndpoint: perEndpoint ?? Number.POSITIVE_INFINITY,
    total: total ?? Number.POSITIVE_INFINITY,
    adaptive: adaptive === undefined ? undefined : adaptiveRules(adaptive),
  }
}

/** @returns undefined where nobody waits */
export function queueRules(given: QueueOptions | false): Required<QueueOptions> | undefined {
  if (given === false) return undefined
  const { size, timeoutMs = 2_000, order = 'fifo', whileNoneHealthy = false } = given
  return { size, timeoutMs, order, whileNoneHealthy }
}
