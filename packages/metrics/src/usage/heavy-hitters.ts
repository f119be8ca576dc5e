import { Tally, type UsedRequest } from './tally.ts'

/** A key, what was counted of it since it is watched, and how much of it at most was counted before, under `other`. */
export interface Watched {
  readonly key: string | null
  readonly tally: Tally
  readonly missedAtMost: number
}

interface Entry extends Watched {
  missedAtMost: number
  tally: Tally
  /** Where it stands in the heap. */
  at: number
}

/**
 * Watches the busiest of any number of keys in a bounded table: Space-Saving (Metwally, Agrawal, El Abbadi, 2005). A new key takes
 * the place of the one that has come least. What was counted of that one goes to `other`, so nothing is lost: the tallies and `other`
 * sum to all requests, exactly. After `n` requests, a key of more than `n / capacity` is watched, and misses at most that many.
 */
export class HeavyHitters {
  readonly other: Tally = new Tally()
  private readonly entries = new Map<string | null, Entry>()
  // By estimate, the least first: a request costs its key at most log2(capacity) steps.
  private readonly heap: Entry[] = []
  private readonly capacity: number
  private isFull = false

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** How many requests at most a key that is not watched has made. */
  get unwatchedAtMost(): number {
    return this.isFull ? estimate(this.heap[0]) : 0
  }

  count(key: string | null, request: UsedRequest): void {
    const entry = this.entries.get(key) ?? this.added(key)
    entry.tally.count(request)
    this.sink(entry)
  }

  watched(): Iterable<Watched> {
    return this.entries.values()
  }

  private added(key: string | null): Entry {
    if (this.heap.length >= this.capacity) return this.replaced(key)
    const entry: Entry = { key, tally: new Tally(), missedAtMost: 0, at: this.heap.length }
    this.heap.push(entry)
    this.entries.set(key, entry)
    this.rise(entry)
    return entry
  }

  private replaced(key: string | null): Entry {
    const least = this.heap[0] as Entry
    const entry: Entry = { key, tally: new Tally(), missedAtMost: estimate(least), at: 0 }
    this.isFull = true
    this.other.add(least.tally)
    this.entries.delete(least.key)
    this.entries.set(key, entry)
    this.heap[0] = entry
    return entry
  }

  private sink(entry: Entry): void {
    while (true) {
      const [left, right] = [this.heap[2 * entry.at + 1], this.heap[2 * entry.at + 2]]
      const lesser = estimate(right) < estimate(left) ? right : left
      if (!lesser || estimate(lesser) >= estimate(entry)) return
      this.swap(entry, lesser)
    }
  }

  private rise(entry: Entry): void {
    while (entry.at > 0) {
      const above = this.heap[(entry.at - 1) >> 1] as Entry
      if (estimate(above) <= estimate(entry)) return
      this.swap(entry, above)
    }
  }

  private swap(a: Entry, b: Entry): void {
    const { at } = a
    this.heap[b.at] = a
    this.heap[at] = b
    a.at = b.at
    b.at = at
  }
}

const estimate = (entry: Entry | undefined): number =>
  entry === undefined ? Number.POSITIVE_INFINITY : entry.tally.requests + entry.missedAtMost
