import type { Socket } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'

/**
 * Breaks a connection off (RST), so that the other side sees it. Bytes and an RST that are found in one poll are an
 * end of file to Node (libuv tells the EPOLLHUP first): what was written gets its time to be read. The turn of the event
 * loop behind the timer is for a reader in this same process, which may be late.
 */
export async function breakOff(socket: Socket): Promise<void> {
  if (socket.bytesWritten > 0) {
    await setTimeout(5)
    await setImmediate()
  }
  if (!socket.destroyed) socket.resetAndDestroy()
}
