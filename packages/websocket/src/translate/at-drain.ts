import { type Clock, type Context, onDrain } from '@gatelet/core'

/**
 * Calls `leave` once when the server goes down, within the first half of its grace and at a moment by chance: all clients come
 * back, and are not to come together.
 * @returns its undo
 */
export function atDrain(ctx: Context, clock: Clock, leave: () => void): () => void {
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
