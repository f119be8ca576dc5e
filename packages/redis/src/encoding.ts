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
export interface EncodedRule {
  /** `g` gcra, `f` fixed, `s` sliding, `c` calendar, `n` concurrency. */
  readonly kind: string
  /** Microseconds: of one unit of refill, of the window, of a lease; or the unit of the calendar. */
  readonly x: string
  readonly capacity: string
  /** What stands behind the hash tag in a key of Redis. */
  readonly name: string
}

/** Writes requests as the scripts read them. */
export class Encoder {
  private readonly place: Place
  private readonly rules = new WeakMap<RateRule, EncodedRule>()

  constructor(place: Place) {
    this.place = place
  }

  rule(rule: RateRule): EncodedRule {
    const known = this.rules.get(rule)
    if (known) return known
    // A colon ends the name, so it is no part of it.
    const name = escaped(rule.name).replaceAll(':', '%003a')
    const encoded = { ...numbersOf(rule, this.place.leaseMs), name }
    this.rules.set(rule, encoded)
    return encoded
  }

  /** The key of Redis: `gatelet:rate:{203.0.113.7}g:burst`. */
  key({ rule, key }: RateRequest): string {
    const { kind, name } = this.rule(rule)
    const { prefix, tag } = this.place
    // An empty tag would be none.
    if (tag === undefined) return `${prefix}{${escaped(key) || '%'}}${kind}:${name}`
    return `${prefix}{${tag}}${kind}:${name}:${escaped(key)}`
  }

  /** Four for each request: kind, `x`, capacity, cost or lease. */
  takeArguments(requests: readonly RateRequest[]): string[] {
    const args: string[] = []
    for (const { rule, cost, lease } of requests) {
      const { kind, x, capacity } = this.rule(rule)
      args.push(kind, x, capacity, kind === 'n' ? (lease ?? '') : String(cost))
    }
    return args
  }

  /** Five for each request: kind, `x`, capacity, cost or lease, stamp or nothing. */
  giveArguments(requests: readonly RateRequest[]): string[] {
    const args: string[] = []
    for (const { rule, cost, lease, stamp } of requests) {
      const { kind, x, capacity } = this.rule(rule)
      args.push(kind, x, capacity, kind === 'n' ? (lease ?? '') : String(cost), stamp === undefined ? '' : String(stamp))
    }
    return args
  }
}

function numbersOf(rule: RateRule, leaseMs: number): Omit<EncodedRule, 'name'> {
  switch (rule.algorithm) {
    case 'gcra':
      return { kind: 'g', x: String((rule.windowMs * 1000) / rule.limit), capacity: String(rule.burst) }
    case 'calendar':
      return { kind: 'c', x: rule.unit, capacity: String(rule.limit) }
    case 'concurrency':
      return { kind: 'n', x: String(leaseMs * 1000), capacity: String(rule.limit) }
    default:
      return { kind: rule.algorithm === 'fixed' ? 'f' : 's', x: String(rule.windowMs * 1000), capacity: String(rule.limit) }
  }
}

// Braces would end a hash tag; half a surrogate pair has no UTF-8, so that two keys would be one.
function escaped(text: string): string {
  if (/^[!-$&-z|~]*$/.test(text)) return text
  return text.replace(/[^!-$&-z|~]/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
