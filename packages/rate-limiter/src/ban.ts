import { isPromise, publish } from '@gatelet/core'
import type { Asked } from './asking.ts'
import { give } from './asking.ts'
import type { BanOptions } from './options.ts'
import type { RateRequest, RateStore, WindowRule } from './store.ts'

/**
 * Shuts out who is refused over and over. Refusals and bans are counts like any other, so that all processes with one store
 * agree, and a store's bounds hold for them too.
 */
export class Ban {
  private readonly strikes: WindowRule
  private readonly ban: WindowRule

  /** @param name of the first policy of the limiter: bans of limiters that share counts are shared too */
  constructor({ after, within, for: length }: BanOptions, name: string) {
    this.strikes = { algorithm: 'fixed', name: `${name} strikes`, limit: after, windowMs: within as number }
    this.ban = { algorithm: 'fixed', name: `${name} ban`, limit: 1, windowMs: length as number }
  }

  /** Asks along with the policies whether somebody is banned. Costs nothing, and takes no room of those who are not. */
  request(key: string): RateRequest {
    return { rule: this.ban, key, cost: 0 }
  }

  /** Counts a refusal. @param asked what `request` has made */
  strike({ key }: RateRequest, store: RateStore): void {
    try {
      const counted = store.take([{ rule: this.strikes, key, cost: 1 }])
      // Nobody waits for it; a store that is away counts no refusals.
      if (isPromise(counted)) counted.then((verdicts) => this.judge(key, store, verdicts)).catch(() => {})
      else this.judge(key, store, counted)
    } catch {}
  }

  private judge(key: string, store: RateStore, [verdict]: Asked['verdicts']): void {
    if (!verdict || verdict.remaining > 0) return
    // More than the limit, so that even a request without cost is too much. It ends when its window ends.
    void give(store, [{ rule: this.ban, key, cost: -2 }])
    publish('rate:banned', { key, forMs: this.ban.windowMs })
  }
}
