import type { Clock } from '@gatelet/core'
import { WebSocket } from 'ws'

/**
 * Pings the other side, and lets go of one that gives no sign of life until the next ping. One that is paused, since we do not take
 * what it has sent, cannot be heard: it is pinged on, so that TCP finds out, in minutes, when it is gone.
 * @returns its end
 */
export function heartbeat(socket: WebSocket, clock: Clock, intervalMs: number): () => void {
  let isAlive = true
  let stop = () => {}
  const heard = () => {
    isAlive = true
  }
  const beat = () => {
    if (!isAlive && !socket.isPaused) {
      socket.terminate()
      return
    }
    isAlive = false
    if (socket.readyState === WebSocket.OPEN) socket.ping(undefined, undefined, () => {})
    stop = clock.setTimer(beat, intervalMs)
  }
  socket.on('pong', heard)
  socket.on('message', heard)
  stop = clock.setTimer(beat, intervalMs)
  return () => stop()
}
