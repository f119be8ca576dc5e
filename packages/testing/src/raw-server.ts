import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { RawConnection, type RawSocket } from './raw-socket.ts'
import { Watch } from './watch.ts'

/** Plays the server on one connection. What it rejects with resets the connection and is kept in `errors`. */
export type RawScript = (connection: RawSocket, index: number) => void | Promise<void>

/** A TCP server that says what a test tells it to, and remembers every byte. */
export interface RawServer extends AsyncDisposable {
  readonly port: number
  /** `http://127.0.0.1:<port>`, without a slash behind. */
  readonly url: string
  /** All that were accepted, in their order; at most 1000, more are closed. */
  readonly connections: readonly RawSocket[]
  /** What scripts threw. */
  readonly errors: readonly unknown[]
  /**
   * Waits for a state: `await server.when(() => server.connections.length === 2)`.
   * @param withinMs real milliseconds, default 5000; rejects then
   */
  when(condition: (server: RawServer) => unknown, withinMs?: number): Promise<void>
  /** Stops listening and destroys every connection. */
  close(): Promise<void>
}

/**
 * Starts a TCP server on a free port of 127.0.0.1.
 * @example
 * await using server = await rawServer(async (connection) => {
 *   await connection.read('\r\n\r\n')
 *   connection.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel')
 *   connection.reset()
 * })
 */
export async function rawServer(script: RawScript = () => {}): Promise<RawServer> {
  const connections: RawConnection[] = []
  const errors: unknown[] = []
  const watch = new Watch()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = new RawConnection(socket, watch)
    if (connections.length >= MAX_CONNECTIONS) return connection.destroy()
    const index = connections.push(connection) - 1
    watch.changed()
    const playing = (async () => script(connection, index))()
    playing.catch((error: unknown) => {
      errors.push(error)
      return connection.reset()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return opened(server, connections, errors, watch)
}

const MAX_CONNECTIONS = 1000

function opened(server: Server, connections: RawConnection[], errors: unknown[], watch: Watch): RawServer {
  const { port } = server.address() as AddressInfo
  const close = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const connection of connections) connection.destroy()
    await closed
  }
  const self: RawServer = {
    port,
    url: `http://127.0.0.1:${port}`,
    connections,
    errors,
    when: (condition, withinMs = 5000) =>
      watch.until(
        () => Boolean(condition(self)),
        withinMs,
        () => `the raw server did not come to the state in ${withinMs} ms: it has ${connections.length} connections`,
      ),
    close,
    [Symbol.asyncDispose]: close,
  }
  return self
}
