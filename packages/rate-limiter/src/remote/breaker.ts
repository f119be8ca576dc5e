import { type Checks, type Clock, type GatewayError, options, publish } from '@gatelet/core'

/** When a store that fails is left alone. */
export interface BreakerOptions {
  /** After so many failures running it is not asked any more. Default 5. */
  failures?: number
  /** How long it is left alone, in milliseconds; then one decision tries whether it is back. Default 1,000. */
  openMs?: number
}

/** What each option must be. */
export const breakerChecks: Checks<BreakerOptions> = {
  failures: options.optional(options.number({ min: 1, max: 1_000_000, integer: true })),
  openMs: options.optional(options.milliseconds()),
}

/** What a breaker lives by. */
export interface BreakerInit {
  /** What kind of store, for events and warnings: `redis`. */
  readonly store: string
  readonly clock: Clock
  readonly options: BreakerOptions
}

/** Keeps requests from waiting for a store that is away, and the store from all of them at once when it comes back. */
export class Breaker {
  private readonly store: string
  private readonly clock: Clock
  private readonly failures: number
  private readonly openMs: number
  private running = 0
  // Undefined: the store answers.
  private openUntil: number | undefined
  private isProbing = false
  private warnedAt = Number.NEGATIVE_INFINITY

  constructor({ store, clock, options: { failures = 5, openMs = 1_000 } }: BreakerInit) {
    this.store = store
    this.clock = clock
    this.failures = failures
    this.openMs = openMs
  }

  get isOpen(): boolean {
    return this.openUntil !== undefined
  }

  /** Whether to ask the store now. Who is let through says how it went. */
  admits(): boolean {
    if (this.openUntil === undefined) return true
    if (this.isProbing || this.clock.now() < this.openUntil) return false
    this.isProbing = true
    return true
  }

  succeeded(): void {
    this.running = 0
    this.isProbing = false
    if (this.openUntil === undefined) return
    this.openUntil = undefined
    publish('store:changed', { store: this.store, isAvailable: true })
  }

  failed(error: GatewayError): void {
    const wasOpen = this.openUntil !== undefined
    // Those that were under way when it opened say nothing new.
    if (wasOpen && !this.isProbing) return
    this.isProbing = false
    if (!wasOpen && ++this.running < this.failures) return
    this.openUntil = this.clock.now() + this.openMs
    if (wasOpen) return
    this.warn(error)
    publish('store:changed', { store: this.store, isAvailable: false, error })
  }

  // Once a minute: a store that comes and goes must not fill a log. Who wants all of it listens to the events.
  private warn(error: GatewayError): void {
    const now = this.clock.now()
    if (now - this.warnedAt < WARN_EVERY_MS) return
    this.warnedAt = now
    process.emitWarning(`the ${this.store} store is away: ${error.message}`, 'GateletWarning')
  }
}

const WARN_EVERY_MS = 60_000
