import type { MaybePromise } from '@gatelet/core'

/**
 * Where counts live: `memoryRateStore()` for one process, `redisRateStore(client)` for many. A store of your own implements
 * `take` and `give` by the rules of `RateRule`; `describeRateStore` of `@gatelet/testing` says whether it does.
 *
 * All of a store's times are of one clock of its own: monotonic in one process, the engine's for many. No time of that clock
 * leaves it but inside `stamp`; what it answers are durations.
 */
export interface RateStore {
  /**
   * One decision over any number of rules: takes what each request asks for, or nothing at all when one of them cannot have
   * it. Nobody else's decision comes in between. A store that is away throws or rejects, within a deadline of its own; the
   * limiter waits for `storeTimeoutMs` at most.
   *
   * No two requests have the same rule and key.
   * @param signal nobody wants the answer any more once it aborts. What was taken by then may stay taken.
   * @returns a verdict for each request, in their order. All `allowed`: everything was taken. Else: nothing was
   */
  take(requests: readonly RateRequest[], signal?: AbortSignal): MaybePromise<readonly RateVerdict[]>
  /**
   * Gives back what was taken, `cost` units of each request; a negative cost takes that much more, without asking. Leaves no
   * more than if it had never been taken, whatever happened in between. Of `concurrency`: the lease ends; giving back one
   * that is not held does nothing.
   */
  give(requests: readonly RateRequest[]): MaybePromise<void>
  /**
   * For stores in which a lease of `concurrency` ends by itself after so many milliseconds, since whoever holds it may have
   * died. The limiter takes a lease again, long before, while its request lasts. Undefined: leases last until given back.
   */
  readonly leaseMs?: number | undefined
}

/** What one rule is asked for. */
export interface RateRequest {
  readonly rule: RateRule
  /** Who is counted: at most 256 UTF-16 units, any of them. Requests with the same rule name, algorithm and key count together. */
  readonly key: string
  /** Units, not negative in `take`. Fractions count as they are. A rule of `concurrency` counts a lease as 1. */
  readonly cost: number
  /** For `concurrency`: whose slot it is. Unlike that of any other request, in any process. */
  readonly lease?: string | undefined
  /** The lease is held and taken anew, since its request lasts: whoever is late with the answer must not end it. */
  readonly isRenewal?: boolean | undefined
  /** For `give`: the `stamp` of the verdict by which it was taken. Undefined: as if it had been taken just now. */
  readonly stamp?: number | undefined
}

/**
 * What one rule says. Here `waitFor(c)` is the time after which a request of cost `c` would be allowed if nothing else came
 * until then; it is defined for each rule below. From it follow `retryAfterMs` and `resetMs`.
 */
export interface RateVerdict {
  /** Whether this rule has what was asked for. Another of the same decision may not. */
  readonly allowed: boolean
  /** Whole units that are left now: `floor(capacity - used)`, at least 0. After the taking, where everything was taken. */
  readonly remaining: number
  /** Milliseconds until one unit more is left: `waitFor(remaining + 1)`; 0 when all are. Of `concurrency` 0: nobody knows. */
  readonly resetMs: number
  /**
   * 0 when allowed; else `waitFor(cost)` as it is now, in milliseconds. `Infinity` when the cost is more than the capacity. Of
   * `concurrency` 0: nobody knows.
   */
  readonly retryAfterMs: number
  /** What `give` has to know later, where the rule says so; else 0. For nobody but the store. */
  readonly stamp: number
}

/**
 * A policy as stores see it: numbers alone. Its `name` and `algorithm` together with a key name a count. The numbers may
 * differ from one request to the next (another usage plan, a new version of the program): the count goes on.
 *
 * Costs are compared with a tolerance of a thousandth of a unit, so that rounding never refuses what the rule allows.
 */
export type RateRule = GcraRule | WindowRule | CalendarRule | ConcurrencyRule

/**
 * The generic cell rate algorithm (ITU-T I.371), as a virtual scheduling of a bucket of `burst` units which refills evenly.
 * The state is one time, the theoretical arrival time `tat`; a key that is not known has `tat = now`.
 * ```
 * interval = windowMs / limit             one unit of refill
 * ahead    = max(tat, now) - now          used = ahead / interval, capacity = burst
 * allowed  = ahead + cost * interval <= burst * interval
 * waitFor(c) = max(0, ahead + (c - burst) * interval)
 * take:      tat = max(tat, now) + cost * interval;   stamp = tat
 * give c>0:  tat = tat - min(c * interval, max(0, stamp - now))     what has refilled by now is not given again
 * give c<0:  tat = max(tat, now) - c * interval                     may lie beyond the burst: a debt
 * ```
 * What is kept is a time, and stays one when `limit` or `windowMs` change: what was taken at a slow rate weighs as long at a fast one.
 * In any window of `windowMs` at most `limit + burst` units are taken. When `tat <= now` it says nothing, and may be forgotten.
 */
export interface GcraRule {
  readonly algorithm: 'gcra'
  readonly name: string
  /** Units for each `windowMs`, at least 1. */
  readonly limit: number
  readonly windowMs: number
  /** Units at once, at least 1. */
  readonly burst: number
}

/**
 * Counting in windows. `fixed`: a window begins with the first unit that is taken of a key, and lasts `windowMs`.
 * ```
 * state: end, used       when now >= end: used = 0
 * allowed  = used + cost <= limit                                capacity = limit
 * waitFor(c) = used + c <= limit ? 0 : end - now
 * take:      when cost > 0 and used = 0 by the line above, end = now + windowMs;   used += cost;   stamp = end
 * give c>0:  used = max(0, used - c) when stamp = end and now < end; else nothing
 * give c<0:  as take, without asking
 * ```
 * `sliding`: of the window before, the part counts that the last `windowMs` still cover; taken to be spread evenly. Windows
 * are the same for all keys. (Cloudflare's sliding window counter.)
 * ```
 * start    = floor(now / windowMs) * windowMs
 * state: from, current, previous
 *            when from = start - windowMs: previous = current, current = 0;   when from is older: both 0;   from = start
 *            when from > start, since the clock was set back: now = start = from
 * used     = current + previous * (1 - (now - start) / windowMs)
 * allowed  = used + cost <= limit                                capacity = limit
 * waitFor(c) = used + c <= limit   ? 0
 *            : current + c <= limit ? start + windowMs * (1 - (limit - c - current) / previous) - now
 *            :                        start + windowMs * (2 - (limit - c) / current) - now
 * take:      current += cost;   stamp = start
 * give c>0:  of current when stamp = start, of previous when stamp = start - windowMs, not below 0; else nothing
 * give c<0:  current -= c
 * ```
 * May be forgotten at `end`, and at `from + 2 * windowMs`.
 */
export interface WindowRule {
  readonly algorithm: 'fixed' | 'sliding'
  readonly name: string
  readonly limit: number
  readonly windowMs: number
}

/**
 * A quota for each day, week (from Monday) or month of the calendar, in UTC, by the wall clock: as `fixed`, but `end` is the
 * end of the period in which `now` lies. A period never comes twice: when the clock is set back, `end` stays as it is.
 */
export interface CalendarRule {
  readonly algorithm: 'calendar'
  readonly name: string
  readonly limit: number
  readonly unit: 'day' | 'week' | 'month'
}

/**
 * Requests at the same time. The state is a set of leases.
 * ```
 * allowed  = the lease is held already, or fewer than limit are;   capacity = limit, used = how many are
 * take:      the lease is held (anew, where leases end by themselves)
 * give:      it is not
 * ```
 */
export interface ConcurrencyRule {
  readonly algorithm: 'concurrency'
  readonly name: string
  readonly limit: number
}
