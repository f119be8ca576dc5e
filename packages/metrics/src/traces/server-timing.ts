import {
  amended,
  type Clock,
  checkOptions,
  type EventMap,
  type Exchange,
  exchangeOf,
  type Middleware,
  options,
  subscribe,
  systemClock,
} from '@gatelet/core'
import { Attached, requestOf } from '../attached.ts'

/** How times are told. */
export interface ServerTimingOptions {
  /** Where time comes from. */
  clock?: Clock
}

/**
 * Tells clients how long their request took, by `Server-Timing`: `total` up to the head of the reply, `upstream` for the attempts at
 * servers, and `gateway` for the rest. Whoever sees it learns how slow what is behind is: place it where that may be known.
 * @throws GatewayError `BAD_OPTION`
 */
export function serverTiming(given: ServerTimingOptions = {}): Middleware & { close(): void } {
  const { clock = systemClock } = checkOptions('serverTiming', given, { clock: options.optional(options.clock) })
  const upstream = new Attached<Exchange, number>()
  const close = subscribe('upstream:attempted', ({ context, outcome }: EventMap['upstream:attempted']) => {
    const exchange = requestOf(context)
    if (exchange) upstream.set(exchange, (upstream.get(exchange) ?? 0) + outcome.latencyMs)
  })
  const layer: Middleware = (ctx, next) => {
    const startedAt = clock.now()
    const exchange = exchangeOf(ctx)
    return amended(ctx, next, ({ headers }) => {
      const total = clock.now() - startedAt
      // Hedged attempts overlap: they cannot have taken longer than all of it.
      const behind = Math.min(total, (exchange && upstream.get(exchange)) ?? 0)
      const parts = { total, upstream: behind, gateway: total - behind }
      headers.append(
        'server-timing',
        Object.entries(parts)
          .map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`)
          .join(', '),
      )
    })
  }
  return Object.assign(layer, { close })
}
