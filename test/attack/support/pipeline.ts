import { connect } from 'node:net'

/**
 * Sends requests on connections of their own, so many at once, and waits until each was answered and closed.
 * @param atOnce connections that are open together
 */
export async function sendAll(port: number, requests: readonly (string | Uint8Array)[], atOnce = 16): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < requests.length) await send(port, requests[next++] as string | Uint8Array)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, requests.length) }, worker))
}

/** Sends bytes and then the end of them. Resolves with what came back when the connection is closed, or after some seconds. */
export function send(port: number, bytes: string | Uint8Array, withinMs = 5_000): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const cancel = setTimeout(() => socket.destroy(), withinMs)
    socket.on('error', () => {})
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      clearTimeout(cancel)
      resolve(Buffer.concat(chunks))
    })
    if (typeof bytes === 'string') socket.write(bytes, 'latin1')
    else socket.write(bytes)
  })
}
