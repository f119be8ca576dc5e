import { type Checks, type IncomingRequest, options } from '@gatelet/core'

/** How much of the traffic may be attempts that follow or accompany another. */
export interface RetryBudgetOptions {
  /** Of the requests of the last 10 seconds, 0 to 1. Default 0.2. */
  share?: number
  /** More of them in each second, so that a proxy with few requests has some, 0 to 1,000. Default 3. */
  perSecond?: number
}

/** When and how often a request is asked again. */
export interface RetryOptions {
  /** Attempts after the first. 0 to 10, default 2. */
  max?: number
  /**
   * Which requests may be asked twice although the first may have been carried out. Default: those with an idempotent method
   * (RFC 9110 §9.2.2). Every call of gRPC is a POST: `({ url }) => reads.has(url.path)` names those that only read. Should not
   * throw: what it throws is the end of the request.
   */
  repeatable?: (request: IncomingRequest) => boolean
  /**
   * Statuses after which such a request is asked again, 400 to 599, for example `[502, 503, 504]`. Default: none, since a
   * status is an answer, and only the application knows what its own mean. Of gRPC's statuses, which come with a 200, UNAVAILABLE
   * is a 503 here, RESOURCE_EXHAUSTED a 429, and UNKNOWN, INTERNAL and DATA_LOSS are a 500, where there is no message. The answer is kept meanwhile, and is the client's when
   * no other comes; one that is longer than 64 KiB, or takes more than a second, is the client's at once.
   */
  statuses?: readonly number[]
  /** Before the second retry and later ones a random time is waited: up to this many milliseconds, doubled each time. Default 25. */
  baseMs?: number
  /** The most that is waited so, in milliseconds. Default 250. */
  maxMs?: number
  /**
   * The longest `Retry-After` on an answer of `statuses` that is waited out before the same endpoint is asked again, in
   * milliseconds; with a longer one the answer is the client's. Default 1,000.
   */
  retryAfterMs?: number
  /** Bounds retries and hedges together. Default: 20 % of the requests of the last 10 seconds, and 3 each second; false: no bound. */
  budget?: RetryBudgetOptions | false
}

/** The same with every default filled in. */
export interface RetrySettings {
  readonly max: number
  /** Undefined: by the method. */
  readonly repeatable: ((request: IncomingRequest) => boolean) | undefined
  /** Undefined for none. */
  readonly statuses: ReadonlySet<number> | undefined
  readonly baseMs: number
  readonly maxMs: number
  readonly retryAfterMs: number
  readonly budget: Required<RetryBudgetOptions> | undefined
}

const { fn, list, milliseconds, number, optional, shape, wrong } = options

const count = number({ min: 0, max: 10, integer: true })

const budgetShape = shape<RetryBudgetOptions>({
  share: optional(number({ min: 0, max: 1 })),
  perSecond: optional(number({ min: 0, max: 1_000 })),
})

const budget: options.Check<RetryBudgetOptions | false> = (value, path) => {
  if (value === false) return false
  if (typeof value !== 'object') throw wrong(value, path, 'an object such as { share: 0.2 }, or false')
  return budgetShape(value, path)
}

const checks: Checks<RetryOptions> = {
  max: optional(count),
  repeatable: optional(fn<NonNullable<RetryOptions['repeatable']>>('a function of a request that says true or false')),
  statuses: optional(list(number({ min: 400, max: 599, integer: true }))),
  baseMs: optional(milliseconds()),
  maxMs: optional(milliseconds()),
  retryAfterMs: optional(milliseconds(0)),
  budget: optional(budget),
}

const retryShape = shape(checks)

/** A number, or all of it. */
export const retriesCheck: options.Check<number | RetryOptions> = (value, path) =>
  typeof value === 'object' ? retryShape(value, path) : count(value, path)

/** Fills in the defaults. */
export function retrySettings(given: number | RetryOptions = {}): RetrySettings {
  const options = typeof given === 'number' ? { max: given } : given
  const { max = 2, repeatable, statuses = [], baseMs = 25, maxMs = 250, retryAfterMs = 1_000, budget = {} } = options
  return {
    max,
    repeatable,
    statuses: statuses.length === 0 ? undefined : new Set(statuses),
    baseMs,
    maxMs,
    retryAfterMs,
    budget: budget === false ? undefined : { share: budget.share ?? 0.2, perSecond: budget.perSecond ?? 3 },
  }
}
