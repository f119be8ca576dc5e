import type { Clock } from './clock.ts'
import type { Context } from './contract.ts'
import { exchangeOf } from './exchange.ts'

/**
 * Calls `listener` once when the server goes down, for what lasts longer than a reply: an upgraded connection, a stream of events.
 * It may then end by itself, before it is cut at `cutAt` (monotonic milliseconds). Who comes later is called soon. Never called where
 * the server is not ours to close.
 * @returns its undo
 */
export function onDrain<S extends object>(ctx: Context<S>, listener: (cutAt: number) => void): () => void {
  return exchangeOf(ctx)?.addDrainListener(listener) ?? (() => {})
}

/**
 * Calls `leave` once when the server goes down, within the first half of its grace and at a moment by chance: all clients come
 * back, and are not to come together.
 * @returns its undo
 */
export function atDrain<S extends object>(ctx: Context<S>, clock: Clock, leave: () => void): () => void {
  let stop = () => {}
  const undo = onDrain(ctx, (cutAt) => {
    const spreadMs = Math.max(0, Math.min(MAX_SPREAD_MS, (cutAt - clock.now()) / 2))
    stop = clock.setTimer(leave, clock.random() * spreadMs)
  })
  return () => {
    undo()
    stop()
  }
}

const MAX_SPREAD_MS = 30_000
