import { type Algorithm, isAllowed, verdictOf } from '../algorithms/algorithm.ts'
import type { RateRequest, RateRule, RateVerdict } from '../store.ts'
import { CountTable } from './count-table.ts'
import type { Counter } from './counter.ts'
import { KeyHash, type Seed } from './key-hash.ts'

// So many counts do keys share that find no place of their own.
const SHARED_COUNTS = 1_024

/**
 * Counts of keys, at most `maxKeys` of them. Keys that come when all are in use share counts, so that they are limited
 * together: a flood of made-up keys neither has a limit for each nor takes anybody's count away.
 */
export class StateCounter<R extends RateRule> implements Counter {
  private readonly algorithm: Algorithm<R>
  private readonly table: CountTable
  private readonly seed: Seed
  private readonly hash = new KeyHash()
  private shared: Float64Array | undefined
  // Of a key that has no place yet.
  private readonly unplaced: Float64Array
  // Where the state is that was looked for last, and for whom.
  private states: Float64Array
  private at = 0
  private located: RateRequest | undefined

  constructor(algorithm: Algorithm<R>, maxKeys: number, seed: Seed) {
    this.algorithm = algorithm
    this.table = new CountTable(algorithm.size, maxKeys, algorithm.isIdle)
    this.seed = seed
    this.states = this.unplaced = new Float64Array(algorithm.size)
  }

  /** How many bytes the counts take. */
  get bytes(): number {
    return this.table.bytes + (this.shared?.byteLength ?? 0)
  }

  ask(request: RateRequest, now: number): boolean {
    this.locate(request)
    return isAllowed(this.algorithm, request.rule as R, this.states, this.at, now, request.cost)
  }

  take(request: RateRequest, now: number): number {
    if (this.located !== request) this.locate(request)
    const stamp = this.algorithm.take(request.rule as R, this.states, this.at, now, request.cost)
    if (this.states === this.unplaced) this.settle(now)
    return stamp
  }

  verdict(request: RateRequest, now: number, refused: number | undefined, stamp: number): RateVerdict {
    if (this.located !== request) this.locate(request)
    return verdictOf(this.algorithm, request.rule as R, this.states, this.at, now, refused, stamp)
  }

  give(request: RateRequest, now: number): void {
    this.locate(request)
    this.algorithm.give(request.rule as R, this.states, this.at, now, request.cost, request.stamp)
    if (this.states === this.unplaced) this.settle(now)
  }

  private locate(request: RateRequest): void {
    this.located = request
    const { hash, table } = this
    hash.hash(request.key, this.seed)
    const found = table.find(hash.low, hash.high)
    if (found >= 0) {
      this.states = table.states
      this.at = found
      return
    }
    this.states = this.unplaced
    this.at = 0
    const from = this.sharedAt()
    for (let at = 0; at < this.unplaced.length; at++) this.unplaced[at] = this.shared?.[from + at] ?? 0
  }

  /** Finds a place for a state that has none. One that says nothing needs none, and its key costs nothing. */
  private settle(now: number): void {
    const { hash, unplaced } = this
    const isIdle = this.algorithm.isIdle(unplaced, 0, now)
    if (isIdle && !this.shared) return
    const place = isIdle ? -1 : this.table.place(hash.low, hash.high, now)
    if (place >= 0) {
      this.states = this.table.states
      this.at = place
    } else {
      this.shared ??= new Float64Array(SHARED_COUNTS * unplaced.length)
      this.states = this.shared
      this.at = this.sharedAt()
    }
    for (let at = 0; at < unplaced.length; at++) this.states[this.at + at] = unplaced[at] as number
  }

  private sharedAt(): number {
    return (this.hash.high & (SHARED_COUNTS - 1)) * this.unplaced.length
  }
}
