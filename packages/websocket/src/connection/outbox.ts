import { WebSocket } from 'ws'
import type { Frame } from '../translate/frame.ts'

// Up to this a sender need not wait: about what the system's own buffer takes.
const FREE_BYTES = 65_536

/** Messages to a client. Who does not wait, for a client that does not read, is stopped by a bound. */
export class Outbox {
  private readonly socket: WebSocket
  private readonly maxBytes: number

  constructor(socket: WebSocket, maxBytes: number) {
    this.socket = socket
    this.maxBytes = maxBytes
  }

  /** @returns whether it was taken, and the connection still stands */
  send(message: Frame): Promise<boolean> {
    const { socket } = this
    if (socket.readyState !== WebSocket.OPEN) return Promise.resolve(false)
    const left = new Promise<boolean>((resolve) =>
      socket.send(message, (error) => resolve(!error && socket.readyState === WebSocket.OPEN)),
    )
    if (socket.bufferedAmount > this.maxBytes) {
      // No goodbye would get through either.
      socket.terminate()
      return Promise.resolve(false)
    }
    return socket.bufferedAmount <= FREE_BYTES ? Promise.resolve(true) : left
  }
}
