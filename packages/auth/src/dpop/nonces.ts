import { keyedHash } from '../digest.ts'
import type { DpopRules } from './options.ts'

/** Nonces of a server that keeps none: each is what the secret makes of the period it is for. */
export class Nonces {
  private readonly secret: Uint8Array
  private readonly rules: DpopRules
  // Of the last period that was asked for, and the one before.
  private made: { readonly period: number; readonly texts: readonly [string, string] } | undefined

  constructor(secret: Uint8Array, rules: DpopRules) {
    this.secret = secret
    this.rules = rules
  }

  get current(): string {
    return this.texts[0]
  }

  /** `current`, `last`: good, but the client should have the next one; undefined: not one of these. */
  judge(nonce: unknown): 'current' | 'last' | undefined {
    const [current, last] = this.texts
    return nonce === current ? 'current' : nonce === last ? 'last' : undefined
  }

  private get texts(): readonly [string, string] {
    const period = Math.floor(this.rules.clock.date() / this.rules.windowMs)
    if (this.made?.period !== period) this.made = { period, texts: [this.textOf(period), this.textOf(period - 1)] }
    return (this.made as NonNullable<typeof this.made>).texts
  }

  private textOf(period: number): string {
    return keyedHash(this.secret, `dpop-nonce ${period}`).toString('base64url').slice(0, 22)
  }
}
