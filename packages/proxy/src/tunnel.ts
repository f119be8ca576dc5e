import type { Duplex } from 'node:stream'

/**
 * Passes bytes between two sockets until both sides are done: with back-pressure, half-closes and errors of one side
 * told to the other. Knows nothing of frames.
 * @param onClose called once, when both sockets are closed or being closed
 */
export function tunnel(a: Duplex, b: Duplex, onClose: () => void): void {
  let isOpen = true
  const close = () => {
    if (!isOpen) return
    isOpen = false
    a.destroy()
    b.destroy()
    onClose()
  }
  relay(a, b, close)
  relay(b, a, close)
}

function relay(from: Duplex, to: Duplex, close: () => void): void {
  from.on('data', (chunk: Buffer) => {
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
  from.on('error', close)
  from.on('close', () => {
    // What the other side has not sent yet still goes out, when this one ended in order.
    if (to.writableEnded && !to.writableFinished && !to.destroyed) to.once('finish', close)
    else close()
  })
}
