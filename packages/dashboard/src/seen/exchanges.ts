import { type Context, type Exchange, exchangeOf } from '@gatelet/core'

/** What is known of one request while it goes on. */
export interface Known {
  /** It was counted as one in flight. */
  isInFlight: boolean
  /** It is for the dashboard itself, and not to be shown by it. */
  isOwn: boolean
  /** An error of it was told. */
  hasError: boolean
  /** A cache answered it, without waiting for what it asks in the background. */
  isFromCache: boolean
  route?: string
  /** The endpoint that was asked last, or that answered first. */
  balanced?: string
  attempts: number
}

/**
 * What is known of each request, from its first event to its last; work in the background is known by the request that it is for. Goes
 * with the exchange: nothing has to be taken out.
 */
export class Exchanges {
  private readonly known = new WeakMap<Exchange, Known>()

  /** Undefined for a context that is no adapter's. */
  of(context: Context): Known | undefined {
    const own = exchangeOf(context)
    const exchange = own?.cause ?? own
    if (!exchange) return undefined
    const found = this.known.get(exchange)
    if (found) return found
    const made: Known = { isInFlight: false, isOwn: false, hasError: false, isFromCache: false, attempts: 0 }
    this.known.set(exchange, made)
    return made
  }
}
