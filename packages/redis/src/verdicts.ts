import type { RateRequest, RateRule, RateVerdict } from '@gatelet/rate-limiter'
import { TOLERANCE } from './scripts/parts.ts'

/** Reads what `takeScript` answers. @throws Error for what it never answers */
export function verdictsIn(reply: unknown, requests: readonly RateRequest[]): readonly RateVerdict[] {
  // A client may be set up to answer with bytes.
  const text = Buffer.isBuffer(reply) ? reply.toString('latin1') : reply
  if (typeof text !== 'string') throw new Error('the script answered with something else')
  return new Reading(text.split(' ')).verdicts(requests)
}

/** What is left by a rule, and when there is more. Times in microseconds. */
interface Look {
  readonly used: number
  readonly capacity: number
  readonly stamp: number
  /** See `RateVerdict`; for costs that are not allowed now. */
  waitFor(cost: number): number
}

class Reading {
  private readonly words: readonly string[]
  private readonly now: number
  private at = 0

  constructor(words: readonly string[]) {
    this.words = words
    this.now = this.next()
  }

  verdicts(requests: readonly RateRequest[]): readonly RateVerdict[] {
    const looks = requests.map(({ rule, cost }) => ({
      allowed: this.next() === 1,
      cost: rule.algorithm === 'concurrency' ? 1 : cost,
      look: this.look(rule),
    }))
    const isTaken = looks.every(({ allowed }) => allowed)
    return looks.map(({ allowed, cost, look }) => verdictOf(look, allowed, cost, isTaken ? look.stamp : 0))
  }

  private next(): number {
    const number = Number(this.words[this.at++])
    if (Number.isNaN(number)) throw new Error('the script answered with something else')
    return number
  }

  private look(rule: RateRule): Look {
    const { now } = this
    switch (rule.algorithm) {
      case 'gcra': {
        const interval = (rule.windowMs * 1000) / rule.limit
        const ahead = this.next()
        const waitFor = (cost: number) => ahead + (cost - rule.burst) * interval
        return { used: ahead / interval, capacity: rule.burst, stamp: now + ahead, waitFor }
      }
      case 'sliding': {
        const [from, current, previous] = [this.next(), this.next(), this.next()]
        const windowUs = rule.windowMs * 1000
        const covered = 1 - Math.max(0, now - from) / windowUs
        const waitFor = (cost: number) => {
          const room = rule.limit - cost
          // In this window, when enough of the one before has slid out; else in the next, where this one is the one before.
          const windows = current <= room ? 1 - (room - current) / (previous || 1) : 2 - room / current
          return from + windowUs * windows - Math.max(now, from)
        }
        return { used: current + previous * covered, capacity: rule.limit, stamp: from, waitFor }
      }
      case 'concurrency':
        return { used: this.next(), capacity: rule.limit, stamp: 0, waitFor: () => 0 }
      default: {
        const [end, used] = [this.next(), this.next()]
        return { used, capacity: rule.limit, stamp: end, waitFor: () => (used > 0 ? end - now : 0) }
      }
    }
  }
}

function verdictOf({ used, capacity, waitFor }: Look, allowed: boolean, cost: number, stamp: number): RateVerdict {
  const remaining = Math.max(0, Math.floor(capacity - used + TOLERANCE))
  const inMs = (wait: number) => Math.max(0, wait) / 1000
  const retryAfterMs = cost > capacity + TOLERANCE ? Number.POSITIVE_INFINITY : inMs(waitFor(cost))
  return {
    allowed,
    remaining,
    resetMs: remaining >= capacity ? 0 : inMs(waitFor(remaining + 1)),
    retryAfterMs: allowed ? 0 : retryAfterMs,
    stamp,
  }
}
