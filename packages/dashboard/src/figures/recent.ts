import { BUCKETS, bucketOf, quantile } from './histogram.ts'

/** What happened lately to one thing: a route, an endpoint, or all. */
export interface Rates {
  readonly perSecond: number
  /** Of what was counted, from 0 to 1. */
  readonly failedShare: number
  /** Milliseconds; undefined where nothing was counted. */
  readonly p50?: number | undefined
  readonly p95?: number | undefined
  readonly p99?: number | undefined
}

interface Slot {
  number: number
  count: number
  failed: number
  readonly latencies: Uint32Array
}

/** Counts and latencies of the last `slots` times `slotMs`. Takes 800 bytes for each slot, made when it is needed first. */
export class Recent {
  private readonly slots: (Slot | undefined)[]
  private readonly slotMs: number
  private readonly since: number

  /** @param now monotonic milliseconds, as in all methods */
  constructor(slots: number, slotMs: number, now: number) {
    this.slots = new Array<Slot | undefined>(slots).fill(undefined)
    this.slotMs = slotMs
    this.since = now
  }

  /** @param latencyMs undefined: it counts, and says nothing of how long things take */
  add(now: number, latencyMs: number | undefined, isFailed: boolean): void {
    const slot = this.slotAt(Math.floor(now / this.slotMs))
    slot.count++
    if (isFailed) slot.failed++
    if (latencyMs === undefined) return
    const bucket = bucketOf(latencyMs)
    slot.latencies[bucket] = (slot.latencies[bucket] ?? 0) + 1
  }

  /** @param slots over how many of the last ones, the one that is filled now among them. Default: all */
  read(now: number, slots: number = this.slots.length): Rates {
    const last = Math.floor(now / this.slotMs)
    const from = Math.max(this.since, (last - slots + 1) * this.slotMs)
    return this.sum(last - slots + 1, last, now - from)
  }

  /** The last slot that is full. */
  readFull(now: number): Rates {
    const last = Math.floor(now / this.slotMs) - 1
    return this.sum(last, last, this.slotMs)
  }

  private sum(first: number, last: number, lengthMs: number): Rates {
    const latencies = new Uint32Array(BUCKETS)
    let [count, failed] = [0, 0]
    for (const slot of this.slots) {
      if (!slot || slot.number < first || slot.number > last) continue
      count += slot.count
      failed += slot.failed
      for (let at = 0; at < BUCKETS; at++) latencies[at] = (latencies[at] ?? 0) + (slot.latencies[at] ?? 0)
    }
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => quantile(latencies, q))
    // What has begun just now counts as a second: one request in its first millisecond is not a thousand a second.
    const perSecond = count / (Math.max(lengthMs, Math.min(1_000, this.slotMs)) / 1_000)
    return { perSecond, failedShare: count === 0 ? 0 : failed / count, p50, p95, p99 }
  }

  private slotAt(number: number): Slot {
    const at = number % this.slots.length
    const slot = this.slots[at] ?? { number, count: 0, failed: 0, latencies: new Uint32Array(BUCKETS) }
    this.slots[at] = slot
    if (slot.number !== number) {
      slot.number = number
      slot.count = slot.failed = 0
      slot.latencies.fill(0)
    }
    return slot
  }
}
