import { type Checks, type Clock, checkOptions, GatewayError, options, systemClock } from '@gatelet/core'
import { endOfPeriod } from '../algorithms/calendar-period.ts'
import { calendar, fixed } from '../algorithms/fixed.ts'
import { gcra } from '../algorithms/gcra.ts'
import { sliding } from '../algorithms/sliding.ts'
import type { RateRequest, RateRule, RateStore, RateVerdict } from '../store.ts'
import type { Counter } from './counter.ts'
import { KeyHash, randomSeed } from './key-hash.ts'
import { LeaseCounter } from './lease-counter.ts'
import { StateCounter } from './state-counter.ts'

/** How much the memory of one process holds. */
export interface MemoryRateStoreOptions {
  /**
   * How many keys have a count of their own, for each rule, 1 to 100 million. A count that is full again makes room. Keys beyond
   * share counts until there is room, so that they are limited together. A key takes 20 to 40 bytes, with sliding windows
   * 50 to 100; what was once needed is kept. Default: 1,000,000.
   */
  maxKeys?: number
  /** Default: the machine's. Its wall clock plays a part in quotas of the calendar only. */
  clock?: Clock
}

/** A store that always answers at once. */
export interface MemoryRateStore extends RateStore {
  take(requests: readonly RateRequest[]): readonly RateVerdict[]
  give(requests: readonly RateRequest[]): void
  /** How many bytes its counts take. */
  readonly bytes: number
}

/** More rules than anybody writes down: their names were made of what clients sent. */
const MAX_RULES = 1_000

/**
 * Counts in this process. No timer, no object for each key; time is monotonic, so setting the clock changes nothing.
 * @throws GatewayError `BAD_OPTION`
 */
export function memoryRateStore(given: MemoryRateStoreOptions = {}): MemoryRateStore {
  const { maxKeys = 1_000_000, clock = systemClock } = checkOptions('memoryRateStore', given, checks)
  return new CountsInMemory(maxKeys, clock)
}

class CountsInMemory implements MemoryRateStore {
  private readonly maxKeys: number
  private readonly clock: Clock
  private readonly seed = randomSeed()
  private readonly counters = new Map<string, Map<string, Counter>>()
  private readonly calendar = calendar(({ unit }, now) => this.endOfPeriod(unit, now))
  private readonly startedAt: number
  private latest = 0
  private latestDate = 0
  // Nearly every request asks the same rule as the one before.
  private lastRule: RateRule | undefined
  private lastCounter: Counter | undefined

  constructor(maxKeys: number, clock: Clock) {
    this.maxKeys = maxKeys
    this.clock = clock
    this.startedAt = clock.now()
  }

  get bytes(): number {
    const all = [...this.counters.values()].flatMap((byName) => [...byName.values()])
    return all.reduce((sum, counter) => sum + (counter instanceof StateCounter ? counter.bytes : 0), 0)
  }

  take(requests: readonly RateRequest[]): readonly RateVerdict[] {
    const now = this.now()
    const only = requests[0]
    if (only && requests.length === 1) return [this.takeOne(only, now)]
    return this.takeAll(requests, now)
  }

  give(requests: readonly RateRequest[]): void {
    const now = this.now()
    for (const request of requests) this.counterOf(request.rule).give(request, now)
  }

  private takeOne(request: RateRequest, now: number): RateVerdict {
    const counter = this.counterOf(request.rule)
    if (!counter.ask(request, now)) return counter.verdict(request, now, request.cost, 0)
    return counter.verdict(request, now, undefined, counter.take(request, now))
  }

  private takeAll(requests: readonly RateRequest[], now: number): readonly RateVerdict[] {
    const counters: Counter[] = []
    const answers: boolean[] = []
    let isAllowed = true
    for (const request of requests) {
      const counter = this.counterOf(request.rule)
      const answer = counter.ask(request, now)
      isAllowed &&= answer
      counters.push(counter)
      answers.push(answer)
    }
    const verdicts: RateVerdict[] = []
    for (let at = 0; at < requests.length; at++) {
      const [request, counter] = [requests[at] as RateRequest, counters[at] as Counter]
      const stamp = isAllowed ? counter.take(request, now) : 0
      verdicts.push(counter.verdict(request, now, answers[at] ? undefined : request.cost, stamp))
    }
    return verdicts
  }

  private counterOf(rule: RateRule): Counter {
    if (rule === this.lastRule) return this.lastCounter as Counter
    const counter = this.counters.get(rule.algorithm)?.get(rule.name) ?? this.added(rule)
    this.lastRule = rule
    this.lastCounter = counter
    return counter
  }

  private added(rule: RateRule): Counter {
    const byName = this.counters.get(rule.algorithm) ?? new Map<string, Counter>()
    if (byName.size === MAX_RULES) throw new GatewayError('INTERNAL', { message: `more than ${MAX_RULES} names of rules` })
    const counter = this.counterFor(rule)
    byName.set(rule.name, counter)
    this.counters.set(rule.algorithm, byName)
    return counter
  }

  private counterFor({ algorithm, name }: RateRule): Counter {
    const seed = new KeyHash().seedOf(`${algorithm} ${name}`, this.seed)
    if (algorithm === 'gcra') return new StateCounter(gcra, this.maxKeys, seed)
    if (algorithm === 'fixed') return new StateCounter(fixed, this.maxKeys, seed)
    if (algorithm === 'sliding') return new StateCounter(sliding, this.maxKeys, seed)
    if (algorithm === 'calendar') return new StateCounter(this.calendar, this.maxKeys, seed)
    return new LeaseCounter(this.maxKeys)
  }

  /** From 0, and never back, whatever clock it is. */
  private now(): number {
    this.latest = Math.max(this.latest, this.clock.now() - this.startedAt)
    return this.latest
  }

  private endOfPeriod(unit: 'day' | 'week' | 'month', now: number): number {
    // A period that is over does not come again when the clock is set back.
    this.latestDate = Math.max(this.latestDate, this.clock.date())
    return now + endOfPeriod(unit, this.latestDate) - this.latestDate
  }
}

const checks: Checks<MemoryRateStoreOptions> = {
  maxKeys: options.optional(options.number({ min: 1, max: 100_000_000, integer: true })),
  clock: options.optional(options.clock),
}
