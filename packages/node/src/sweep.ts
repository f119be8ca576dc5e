import type { Clock } from '@gatelet/core'
import type { OpenConnection, SweepLimits } from './open-connection.ts'

// How often every connection is looked at. One timer for all of them, where Node sets and clears one for each request.
const LOOK_MS = 1_000

/**
 * Looks at all connections now and then, and closes those that are idle or whose client stopped in the middle of a message.
 * Progress is what passed through the socket since the last look, so nothing has to be noted for each request.
 * @returns what stops it
 */
export function sweep(connections: Iterable<OpenConnection>, clock: Clock, limits: SweepLimits): () => void {
  const everyMs = Math.min(LOOK_MS, limits.idleMs, limits.stallMs || LOOK_MS)
  let cancel = () => {}
  const start = () => {
    cancel = clock.setTimer(() => {
      start()
      const now = clock.now()
      for (const connection of connections) connection.look(now, limits)
    }, everyMs)
  }
  start()
  return () => cancel()
}
