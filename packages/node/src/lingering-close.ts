import type { Socket } from 'node:net'
import type { Clock } from '@gatelet/core'

// How long a client that is still sending may go on after our last word.
const LINGER_MS = 1_000

/**
 * Closes a connection whose client may still be sending (RFC 9112 §9.6): says that nothing more comes, throws away what
 * arrives, and closes when the client has closed, or after a second. Closing at once would make the kernel answer the
 * unread bytes with a reset, which can take our last reply with it.
 */
export function lingeringClose(socket: Socket, clock: Clock): void {
  if (socket.destroyed || socket.writableEnded) return
  const cancel = clock.setTimer(() => socket.destroy(), LINGER_MS)
  socket.once('close', cancel)
  socket.once('end', () => socket.destroy())
  socket.end()
  socket.resume()
}

/** The same, when Node closes the socket after the last reply. */
export function lingerAtClose(socket: Socket, clock: Clock): void {
  socket.destroySoon = () => lingeringClose(socket, clock)
}
