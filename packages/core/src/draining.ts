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
