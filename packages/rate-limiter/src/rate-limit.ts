import type { Handler, Middleware } from '@gatelet/core'
import type { RateGrant } from './grant.ts'
import { Limiter } from './limiter.ts'
import { checkedOptions, type RateLimitOptions } from './options.ts'

/**
 * Refuses requests beyond the given policies, or lets them wait. With `as`, the layers behind find the verdict and `settle`
 * under that name in the state.
 * @throws GatewayError `BAD_OPTION`
 * @example rateLimit({ limit: 100, per: '1m', burst: 20 })
 * @example rateLimit({ policies: [{ limit: 5, per: '10s' }, { limit: 20, per: '1h', key: byPrincipal() }] })
 */
export function rateLimit<S extends object = {}>(options: RateLimitOptions<S> & { as?: never }): Middleware<S>
export function rateLimit<S extends object, const N extends string>(
  options: RateLimitOptions<S> & { as: N },
): Middleware<S, Readonly<Record<N, RateGrant>>>
export function rateLimit<S extends object>(options: RateLimitOptions<S>): Middleware<S> {
  const limiter = new Limiter(checkedOptions(options))
  return function rateLimit(ctx, next) {
    // What the layers behind know beyond `S` passes through.
    return limiter.handle(ctx, next as Handler<S>)
  }
}
