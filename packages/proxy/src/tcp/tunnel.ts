import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

// A peer that vanished without a word is noticed after some minutes.
const KEEP_ALIVE_MS = 60_000

/**
 * Passes bytes between two sockets until both sides are done: with back-pressure, half-closes and errors of one side
 * told to the other. Knows nothing of frames. Nothing is passed before the next turn of the event loop, so what must go
 * first can still be written.
 */
export function tunnel(a: Duplex, b: Duplex): void {
  const close = () => {
    a.destroy()
    b.destroy()
  }
  relay(a, b, close)
  relay(b, a, close)
}

function relay(from: Duplex, to: Duplex, close: () => void): void {
  if (from instanceof Socket) from.setKeepAlive(true, KEEP_ALIVE_MS)
  from.on('error', close)
  from.on('data', (chunk: Buffer) => {
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  from.on('close', () => {
    // What the other side has not sent yet still goes out, when this one ended in order.
    if (to.writableEnded && !to.writableFinished && !to.destroyed) to.once('finish', close)
    else close()
  })
}
