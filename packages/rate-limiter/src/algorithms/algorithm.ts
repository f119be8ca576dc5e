import type { RateRule, RateVerdict } from '../store.ts'

/**
 * The arithmetic of one kind of rule, over a state that is a few numbers in an array, `at` where it begins. A state of zeros
 * is that of a key which is not known. Times are milliseconds of one clock that starts at 0 and never goes back.
 */
export interface Algorithm<R extends RateRule> {
  /** How many numbers a state has. */
  readonly size: number
  capacity(rule: R): number
  /** Whether the state says nothing more than that of an unknown key. */
  isIdle(state: Float64Array, at: number, now: number): boolean
  used(rule: R, state: Float64Array, at: number, now: number): number
  /** For costs that are not above the capacity; where they are not allowed now. */
  waitFor(rule: R, state: Float64Array, at: number, now: number, cost: number): number
  /** @returns the stamp */
  take(rule: R, state: Float64Array, at: number, now: number, cost: number): number
  /** @param stamp undefined: that of the latest taking */
  give(rule: R, state: Float64Array, at: number, now: number, cost: number, stamp: number | undefined): void
}

/** Rounding must never refuse what a rule allows. */
const TOLERANCE = 0.001

/** Whether `cost` may be taken. */
export function isAllowed<R extends RateRule>(
  algorithm: Algorithm<R>,
  rule: R,
  state: Float64Array,
  at: number,
  now: number,
  cost: number,
): boolean {
  return algorithm.used(rule, state, at, now) + cost <= algorithm.capacity(rule) + TOLERANCE
}

/**
 * What is told of a rule.
 * @param refused the cost that was asked for, where it is more than is left; else undefined
 */
export function verdictOf<R extends RateRule>(
  algorithm: Algorithm<R>,
  rule: R,
  state: Float64Array,
  at: number,
  now: number,
  refused: number | undefined,
  stamp: number,
): RateVerdict {
  const capacity = algorithm.capacity(rule)
  const remaining = Math.max(0, Math.floor(capacity - algorithm.used(rule, state, at, now) + TOLERANCE))
  return {
    allowed: refused === undefined,
    remaining,
    resetMs: remaining >= capacity ? 0 : Math.max(0, algorithm.waitFor(rule, state, at, now, remaining + 1)),
    retryAfterMs: refused === undefined ? 0 : retryAfter(algorithm, rule, state, at, now, refused),
    stamp,
  }
}

function retryAfter<R extends RateRule>(
  algorithm: Algorithm<R>,
  rule: R,
  state: Float64Array,
  at: number,
  now: number,
  cost: number,
): number {
  if (cost > algorithm.capacity(rule) + TOLERANCE) return Number.POSITIVE_INFINITY
  return Math.max(0, algorithm.waitFor(rule, state, at, now, cost))
}
