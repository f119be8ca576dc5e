import { type Context, type Exchange, exchangeOf } from '@gatelet/core'

/** What is known of one request while it goes on. */
export interface Known {
  /** It was counted as one in flight. */
  isInFlight: boolean
  /** It is for the dashboard itself, and not to be shown by it. */
  isOwn: boolean
  /** An error of it was told. */
  hasError: boolean
  route?: string
  balanced?: string
  attempts: number
}

/** What is known of each request, from its first event to its last. Goes with the exchange: nothing has to be taken out. */
export class Exchanges {
  private readonly known = new WeakMap<Exchange, Known>()

  /** Undefined for a context that is no adapter's. */
  of(context: Context): Known | undefined {
    const exchange = exchangeOf(context)
    if (!exchange) return undefined
    const found = this.known.get(exchange)
    if (found) return found
    const made: Known = { isInFlight: false, isOwn: false, hasError: false, attempts: 0 }
    this.known.set(exchange, made)
    return made
  }
}
