import type { MaybePromise } from '@gatelet/core'
import { type FetchRules, fetchJson } from './fetch-json.ts'
import type { Algorithm } from './fit.ts'
import { KeySet } from './key-set.ts'
import { type Found, foundIn, type KeySource } from './key-source.ts'

/** How often an issuer is asked for its keys, and how long they are good. */
export interface KeyRules extends FetchRules {
  /** Keys of this age are fetched anew, while requests go on with those that are there. */
  readonly maxAgeMs: number
  /** How much longer they are good while the issuer does not answer. */
  readonly maxStaleMs: number
  /** The least time between two requests to the issuer, whatever tokens say. */
  readonly cooldownMs: number
}

/**
 * The keys of an issuer that are fetched from it. A token with a key that is not known makes it ask again, but no sooner than
 * `cooldownMs` after the last time: a flood of made-up keys is answered from what is known. Requests that have to wait
 * wait for one and the same answer.
 */
export class RemoteKeys implements KeySource {
  private readonly locate: () => Promise<URL>
  private readonly rules: KeyRules
  private set: KeySet | undefined
  private version = 0
  private text = ''
  private fetchedAt = Number.NEGATIVE_INFINITY
  private askedAt = Number.NEGATIVE_INFINITY
  private failure: unknown
  private asking: Promise<void> | undefined

  /** @param locate says where the keys are; asked each time, and may itself have to ask */
  constructor(locate: () => Promise<URL>, rules: KeyRules) {
    this.locate = locate
    this.rules = rules
  }

  find(kid: string | undefined, algorithm: Algorithm): MaybePromise<Found> {
    const known = this.known(kid, algorithm)
    if (known) return known
    if (!this.asking && this.isCooling) return this.unknown()
    return this.refreshed().then(() => this.known(kid, algorithm) ?? this.unknown())
  }

  generation(): number | undefined {
    return this.young() && this.version
  }

  async ready(): Promise<void> {
    if (!this.usable) await this.refreshed()
    if (!this.usable) throw this.failure
  }

  private known(kid: string | undefined, algorithm: Algorithm): Found | undefined {
    const set = this.young()
    if (!set) return undefined
    const found = foundIn(set, kid, algorithm)
    return found.kind === 'keys' || (kid !== undefined && set.has(kid)) ? found : undefined
  }

  /** Those that are good still, which are fetched anew ahead of time, so that nobody waits. */
  private young(): KeySet | undefined {
    if (this.age < this.rules.maxAgeMs) return this.set
    const set = this.usable
    // Who fails hears of it from `unknown`.
    if (set && !this.isCooling) void this.refreshed()
    return set
  }

  private get usable(): KeySet | undefined {
    return this.age < this.rules.maxAgeMs + this.rules.maxStaleMs ? this.set : undefined
  }

  private get age(): number {
    return this.rules.clock.now() - this.fetchedAt
  }

  private get isCooling(): boolean {
    return this.rules.clock.now() - this.askedAt < this.rules.cooldownMs
  }

  // There is no such key, if what is known is up to date; else nobody can say.
  private unknown(): Found {
    if (this.failure === undefined && this.usable) return { kind: 'none' }
    const retryAfterMs = Math.max(0, this.askedAt + this.rules.cooldownMs - this.rules.clock.now())
    return { kind: 'unavailable', retryAfterMs, cause: this.failure }
  }

  private refreshed(): Promise<void> {
    this.asking ??= this.refresh().finally(() => {
      this.asking = undefined
    })
    return this.asking
  }

  /** Never rejects: a failure is kept until the next time. */
  private async refresh(): Promise<void> {
    this.askedAt = this.rules.clock.now()
    try {
      const answer = await fetchJson(
        await this.locate(),
        { headers: { accept: 'application/jwk-set+json, application/json' } },
        this.rules,
      )
      this.adopt(answer)
      this.failure = undefined
    } catch (error) {
      this.failure = error
    }
  }

  private adopt(answer: unknown): void {
    const { keys } = (answer ?? {}) as { readonly keys?: unknown }
    if (!Array.isArray(keys) || keys.length === 0) throw new Error('the issuer answered with what is not a set of keys')
    const text = JSON.stringify(keys)
    this.fetchedAt = this.rules.clock.now()
    if (text === this.text) return
    this.text = text
    this.set = new KeySet(keys)
    this.version++
  }
}
