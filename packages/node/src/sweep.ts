import { type Clock, GatewayError } from '@gatelet/core'
import type { Connection } from './connection.ts'

/** After how many milliseconds a connection is given up. */
export interface SweepLimits {
  /** Between two requests. */
  readonly idleMs: number
  /** In the middle of a message; 0: never. */
  readonly stallMs: number
}

// How often every connection is looked at. One timer for all of them, where Node sets and clears one for each request.
const LOOK_MS = 1_000

// For each such piece that waits to be taken, the client has the time once more: a slow one is no stalled one.
const PIECE_BYTES = 65_536

/**
 * Looks at all connections now and then, and closes those that are idle or whose client stopped in the middle of a message.
 * Progress is what passed through the socket since the last look, so nothing has to be noted for each request.
 * @returns what stops it
 */
export function sweep(connections: Iterable<Connection>, clock: Clock, limits: SweepLimits): () => void {
  const everyMs = Math.min(LOOK_MS, limits.idleMs, limits.stallMs || LOOK_MS)
  let cancel = () => {}
  const start = () => {
    cancel = clock.setTimer(() => {
      start()
      const now = clock.now()
      for (const connection of connections) look(connection, now, limits)
    }, everyMs)
  }
  start()
  return () => cancel()
}

function look(connection: Connection, now: number, { idleMs, stallMs }: SweepLimits): void {
  const { seen, socket, progress, exchanges } = connection
  const isIdle = exchanges.size === 0
  if (progress !== seen.progress || (!isIdle && !connection.awaitsClient)) {
    seen.progress = progress
    seen.at = now
    return
  }
  const unchangedMs = now - seen.at
  if (isIdle) {
    if (unchangedMs >= idleMs) socket.destroy()
  } else if (stallMs > 0 && unchangedMs >= stallMs * (1 + Math.floor(socket.writableLength / PIECE_BYTES))) {
    seen.at = now
    const { arriving } = connection
    if (arriving && socket.writableLength === 0) arriving.requestFailed(new GatewayError('REQUEST_TIMEOUT'))
    else socket.destroy()
  }
}
