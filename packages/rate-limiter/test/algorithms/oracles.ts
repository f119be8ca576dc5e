import type { CalendarRule, GcraRule, RateRule, WindowRule } from '@gatelet/rate-limiter'

/** One request that was admitted. */
interface Admitted {
  readonly at: number
  readonly cost: number
}

/** Says from a log of everything that was admitted whether more may be: what a rule means, without its arithmetic. */
export type Oracle = (log: readonly Admitted[], now: number, cost: number) => number

/**
 * How much too much a request would be; at most 0: it may pass.
 *
 * gcra: whenever one begins to count, from then on no more than the burst and what refills. (This is the arrival curve of a
 * token bucket: another definition than by the theoretical arrival time.)
 */
function gcra({ burst, limit, windowMs }: GcraRule): Oracle {
  return (log, now, cost) => {
    let most = cost - burst
    let sum = cost
    for (const { at, cost: earlier } of log.toReversed()) {
      sum += earlier
      most = Math.max(most, sum - burst - ((now - at) * limit) / windowMs)
    }
    return most
  }
}

/** fixed: from the first of a window on, no more than the limit until it is over. */
function fixed({ limit, windowMs }: WindowRule): Oracle {
  return (log, now, cost) => {
    let start = Number.NEGATIVE_INFINITY
    let used = 0
    for (const { at, cost: earlier } of log.filter((each) => each.cost > 0)) {
      if (at - start >= windowMs) {
        start = at
        used = 0
      }
      used += earlier
    }
    return (now - start < windowMs ? used : 0) + cost - limit
  }
}

/** sliding: this window of the clock whole, and of the one before the part that the last `windowMs` still cover. */
function sliding({ limit, windowMs }: WindowRule): Oracle {
  return (log, now, cost) => {
    const start = now - (now % windowMs)
    const sum = (from: number, to: number) =>
      log.filter(({ at }) => at >= from && at < to).reduce((total, each) => total + each.cost, 0)
    const covered = (start + windowMs - now) / windowMs
    return sum(start, start + windowMs) + sum(start - windowMs, start) * covered + cost - limit
  }
}

/** calendar, for days and a log that begins with a day. */
function days({ limit }: CalendarRule): Oracle {
  const day = (at: number) => Math.floor(at / 86_400_000)
  return (log, now, cost) =>
    log.filter(({ at }) => day(at) === day(now)).reduce((total, each) => total + each.cost, 0) + cost - limit
}

/** What a rule means. */
export function oracleOf(rule: RateRule): Oracle {
  if (rule.algorithm === 'gcra') return gcra(rule)
  if (rule.algorithm === 'fixed') return fixed(rule)
  if (rule.algorithm === 'sliding') return sliding(rule)
  if (rule.algorithm === 'calendar') return days(rule)
  throw new Error('there is no log of slots')
}
