import type { Socket } from 'node:net'
import type { Clock } from '@gatelet/core'

/** What the first bytes of a connection mean. */
export interface Ahead {
  /** Bytes of them that nobody else is to see. */
  readonly taken: number
}

/** How the start of a connection is read. */
export interface Reading<T extends Ahead> {
  /** @returns undefined when more bytes are needed, `invalid` when no more will help */
  read(bytes: Buffer): T | 'invalid' | undefined
  found(what: T): void
  readonly clock: Clock
  /** How long it may take; then, and when it is invalid, the connection is closed. */
  readonly timeoutMs: number
}

/** Looks at the first bytes of a connection before Node's parser does. What is not taken of them is put back. */
export function readAhead<T extends Ahead>(socket: Socket, { read, found, clock, timeoutMs }: Reading<T>): void {
  let received: Buffer = Buffer.alloc(0)

  const onReadable = () => {
    const chunk = socket.read() as Buffer | null
    if (!chunk) return
    received = Buffer.concat([received, chunk])
    const what = read(received)
    if (what === undefined) return
    if (what === 'invalid') {
      socket.destroy()
      return
    }
    stop()
    if (received.length > what.taken) socket.unshift(received.subarray(what.taken))
    found(what)
  }
  const give = () => void socket.destroy()
  const stop = () => {
    cancelTimer()
    socket.off('readable', onReadable)
    socket.off('end', give)
    socket.off('error', give)
    socket.off('close', stop)
  }
  const cancelTimer = clock.setTimer(give, timeoutMs)
  socket.on('readable', onReadable)
  socket.on('end', give)
  socket.on('error', give)
  socket.on('close', stop)
}
