import type { Socket } from 'node:net'
import { type Clock, type ProxyHeader, readProxyHeader } from '@gatelet/core'

// How long a peer may take for its header; it is the first thing that it sends.
const HEADER_MS = 5_000

/**
 * Reads the PROXY header at the start of a connection, and puts back what came behind it.
 * @returns undefined where it does not come, or is none; never rejects
 */
export function headerFrom(socket: Socket, clock: Clock): Promise<ProxyHeader | undefined> {
  return new Promise((resolve) => {
    let received: Buffer = Buffer.alloc(0)
    const read = () => {
      const chunk = socket.read() as Buffer | null
      if (!chunk) return
      received = Buffer.concat([received, chunk])
      const header = readProxyHeader(received)
      if (header === undefined) return
      if (header !== 'invalid' && received.length > header.length) socket.unshift(received.subarray(header.length))
      done(header === 'invalid' ? undefined : header)
    }
    const gone = () => done(undefined)
    const done = (header: ProxyHeader | undefined) => {
      cancelTimer()
      socket.off('readable', read)
      socket.off('end', gone)
      socket.off('close', gone)
      resolve(header)
    }
    const cancelTimer = clock.setTimer(gone, HEADER_MS)
    socket.on('readable', read)
    socket.on('end', gone)
    socket.on('close', gone)
  })
}
