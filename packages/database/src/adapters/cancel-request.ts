import { connect } from 'node:net'

/** Where a server is, and by what it knows one of its connections. */
export interface CancelTarget {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly processID: number
  readonly secretKey: number
}

// A server that does not answer is not worth waiting for: its own limits end the statement.
const PATIENCE_MS = 2_000

/**
 * Tells PostgreSQL, on a connection of its own, to end what another one is doing (Protocol §55.2.8, CancelRequest). Needs no free
 * connection of the pool. Resolves when the server has closed, having passed it on; never rejects.
 */
export function cancelRequest({ host, port, processID, secretKey }: CancelTarget): Promise<void> {
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(80_877_102, 4)
  message.writeInt32BE(processID, 8)
  message.writeInt32BE(secretKey, 12)
  return new Promise((resolve) => {
    const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    socket.setTimeout(PATIENCE_MS, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.on('connect', () => socket.write(message))
    socket.resume()
  })
}
