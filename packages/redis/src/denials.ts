import type { RateRequest, RateVerdict } from '@gatelet/rate-limiter'

/** A decision that was refused, and until when it would be refused again. */
interface Denial {
  readonly keys: readonly string[]
  readonly requests: readonly RateRequest[]
  readonly verdicts: readonly RateVerdict[]
  /** Which of the requests. */
  readonly at: number
  readonly saidAt: number
}

/**
 * Remembers which keys are known to be over their limit and until when, so that who goes on regardless costs no round trip:
 * what is over now is over until then, since counts only grow. Unless somebody gives units back.
 */
export class Denials {
  private readonly max: number
  private readonly byKey = new Map<string, Denial>()

  /** @param max how many keys; those that were refused first are forgotten first */
  constructor(max: number) {
    this.max = max
  }

  /** @param saidAt when the store was asked, on the clock of `find`: what it says lasts from then on at least */
  remember(keys: readonly string[], requests: readonly RateRequest[], verdicts: readonly RateVerdict[], saidAt: number): void {
    for (const [at, { allowed, retryAfterMs }] of verdicts.entries()) {
      const key = keys[at] as string
      // 0: nobody knows when (a slot may come free at once). Infinity: of this cost alone.
      if (allowed || retryAfterMs === 0 || retryAfterMs === Number.POSITIVE_INFINITY) continue
      this.byKey.delete(key)
      if (this.byKey.size >= this.max) this.forgetOldest()
      if (this.max > 0) this.byKey.set(key, { keys, requests, verdicts, at, saidAt })
    }
  }

  /** The verdicts of a decision that is sure to be refused; undefined when the store has to be asked. */
  find(keys: readonly string[], requests: readonly RateRequest[], now: number): readonly RateVerdict[] | undefined {
    if (this.byKey.size === 0) return undefined
    for (const [at, key] of keys.entries()) {
      const denial = this.byKey.get(key)
      if (!denial) continue
      const passedMs = now - denial.saidAt
      const { retryAfterMs } = denial.verdicts[denial.at] as RateVerdict
      if (passedMs >= retryAfterMs) this.byKey.delete(key)
      else if (isSame(requests[at] as RateRequest, denial.requests[denial.at] as RateRequest))
        return requests.map((request, place) => this.verdict(denial, keys[place] as string, request, passedMs))
    }
    return undefined
  }

  forget(keys: readonly string[]): void {
    if (this.byKey.size > 0) for (const key of keys) this.byKey.delete(key)
  }

  // What the store said then, as it is by now. A key that it was not asked about is told as one that nobody has used.
  private verdict({ keys, verdicts }: Denial, key: string, { rule }: RateRequest, passedMs: number): RateVerdict {
    const known = verdicts[keys.indexOf(key)]
    const remaining = Math.floor(rule.algorithm === 'gcra' ? rule.burst : rule.limit)
    if (!known) return { allowed: true, remaining, resetMs: 0, retryAfterMs: 0, stamp: 0 }
    const left = (ms: number) => Math.max(0, ms - passedMs)
    return { ...known, resetMs: left(known.resetMs), retryAfterMs: left(known.retryAfterMs) }
  }

  private forgetOldest(): void {
    for (const key of this.byKey.keys()) {
      this.byKey.delete(key)
      return
    }
  }
}

// A larger cost would be refused too, but how long it has to wait is for the store to say.
function isSame(now: RateRequest, then: RateRequest): boolean {
  if (now.cost !== then.cost) return false
  return now.rule === then.rule || numbers.every((name) => (now.rule as Numbers)[name] === (then.rule as Numbers)[name])
}

const numbers = ['limit', 'burst', 'windowMs', 'unit'] as const

type Numbers = { readonly [N in (typeof numbers)[number]]?: unknown }
