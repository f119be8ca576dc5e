import { type Checks, type Clock, checkOptions, type MaybePromise, options, systemClock } from '@gatelet/core'

/** Remembers what may be used once: proofs (`jti`), nonces of signatures. */
export interface ReplayStore {
  /**
   * Notes that something is used, unless it was before. One step: two requests at the same time must not both be the first.
   * @param id of at most 128 characters
   * @param madeAt when it was made, in milliseconds since 1970, as it says itself
   * @param untilMs when it may be forgotten, since it is too old by then to be accepted at all. Keep it for some seconds more, or say false
   * from then on: it was young when it was looked at, and that takes time
   * @returns whether this is the first time. Throws or rejects where that cannot be said: the answer is 503
   */
  use(id: string, madeAt: number, untilMs: number): MaybePromise<boolean>
}

/** How much is remembered. */
export interface MemoryReplaysOptions {
  /** Entries, 100 to 10,000,000; about 200 bytes each. Default 100,000. */
  maxEntries?: number
  clock?: Clock
}

const checks: Checks<MemoryReplaysOptions> = {
  maxEntries: options.optional(options.number({ min: 100, max: 10_000_000, integer: true })),
  clock: options.optional(options.clock),
}

/**
 * Remembers in the memory of this process, for verifiers that are to share what was used.
 * @throws GatewayError `BAD_OPTION`
 */
export function memoryReplays(given?: MemoryReplaysOptions): ReplayStore {
  const { maxEntries = 100_000, clock = systemClock } = checkOptions('memoryReplays', given, checks)
  return new Replays(maxEntries, () => clock.date())
}

/**
 * Remembers in the memory of this process: right for one that stands alone. Where there is no room, the oldest are forgotten, and what
 * is as old as they are is refused from then on: the window becomes smaller, nothing is accepted twice.
 */
export class Replays implements ReplayStore {
  private readonly maxEntries: number
  // In the order in which they were noted.
  private readonly noted = new Map<string, { readonly madeAt: number; readonly untilMs: number }>()
  private oldest = Number.NEGATIVE_INFINITY
  private readonly date: () => number

  constructor(maxEntries: number, date: () => number) {
    this.maxEntries = maxEntries
    this.date = date
  }

  use(id: string, madeAt: number, untilMs: number): boolean {
    // What has ended while its signature was looked at may be forgotten already: nobody can say whether it was used.
    if (madeAt <= this.oldest || untilMs <= this.date() || this.noted.has(id)) return false
    this.sweep()
    if (this.noted.size >= this.maxEntries) this.forgetFirst()
    this.noted.set(id, { madeAt, untilMs })
    return true
  }

  /** How many are remembered. */
  get size(): number {
    return this.noted.size
  }

  // A few each time, so that nobody pays for all.
  private sweep(): void {
    const now = this.date()
    let looked = 0
    for (const [id, { untilMs }] of this.noted) {
      if (untilMs > now || looked++ >= SWEPT) return
      this.noted.delete(id)
    }
  }

  private forgetFirst(): void {
    for (const [id, { madeAt }] of this.noted) {
      this.oldest = Math.max(this.oldest, madeAt)
      this.noted.delete(id)
      return
    }
  }
}

const SWEPT = 4
