import type { RateRequest, RateRule } from '@gatelet/rate-limiter'

/** Where the counts of a store are. */
export interface Place {
  /** Before every key. */
  readonly prefix: string
  /** The hash tag of all keys; undefined: each key of the limiter is one. */
  readonly tag: string | undefined
  /** How long a lease of `concurrency` lasts. */
  readonly leaseMs: number
}

/** A rule as the scripts know it. */
interface EncodedRule {
  /** Kind, `x` and capacity. Kinds: `g` gcra, `f` fixed, `s` sliding, `c` calendar, `n` concurrency. */
  readonly text: string
  /** The argument for a cost of 1, which nearly every request has. */
  readonly once: string
  /** What stands behind the hash tag in a key of Redis. */
  readonly name: string
}

/** Writes requests as the scripts read them: few and short arguments, since each of them costs client and server time. */
export class Encoder {
  private readonly place: Place
  private readonly rules = new WeakMap<RateRule, EncodedRule>()

  constructor(place: Place) {
    this.place = place
  }

  /** The keys of Redis: `gatelet:rate:{203.0.113.7}g:burst`. */
  keys(requests: readonly RateRequest[]): string[] {
    const { prefix, tag } = this.place
    return requests.map(({ rule, key }) => {
      const { name } = this.rule(rule)
      // An empty tag would be none.
      return tag === undefined ? `${prefix}{${escaped(key) || '%'}}${name}` : `${prefix}{${tag}}${name}:${escaped(key)}`
    })
  }

  /** One argument for each request: kind, `x`, capacity, cost or lease. */
  takeArguments(requests: readonly RateRequest[]): string[] {
    return requests.map((request) => {
      const { once, text } = this.rule(request.rule)
      return request.cost === 1 && request.lease === undefined ? once : `${text} ${amountOf(request)}`
    })
  }

  /** The same, with the stamp or nothing in front. */
  giveArguments(requests: readonly RateRequest[]): string[] {
    return requests.map((request) => `${request.stamp ?? ''} ${this.rule(request.rule).text} ${amountOf(request)}`)
  }

  private rule(rule: RateRule): EncodedRule {
    const known = this.rules.get(rule)
    if (known) return known
    const [kind, x, capacity] = numbersOf(rule, this.place.leaseMs)
    const text = `${kind} ${x} ${capacity}`
    // A colon ends the name, so it is no part of it.
    const encoded = { text, once: `${text} 1`, name: `${kind}:${escaped(rule.name).replaceAll(':', '%003a')}` }
    this.rules.set(rule, encoded)
    return encoded
  }
}

const amountOf = ({ rule, cost, lease }: RateRequest) => (rule.algorithm === 'concurrency' ? lease : cost)

/** Kind; microseconds, of one unit of refill, of a window or of a lease, or the unit of the calendar; capacity. */
function numbersOf(rule: RateRule, leaseMs: number): readonly [string, number | string, number] {
  switch (rule.algorithm) {
    case 'gcra':
      return ['g', (rule.windowMs * 1000) / rule.limit, rule.burst]
    case 'fixed':
      return ['f', rule.windowMs * 1000, rule.limit]
    case 'sliding':
      return ['s', rule.windowMs * 1000, rule.limit]
    case 'calendar':
      return ['c', rule.unit, rule.limit]
    case 'concurrency':
      return ['n', leaseMs * 1000, rule.limit]
  }
}

// Braces would end a hash tag; half a surrogate pair has no UTF-8, so that two keys would be one.
function escaped(text: string): string {
  if (/^[!-$&-z|~]*$/.test(text)) return text
  return text.replace(/[^!-$&-z|~]/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
