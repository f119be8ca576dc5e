import { type AddressInfo, createServer, type Server } from 'node:net'
import type { Balancer } from '@gatelet/core'
import { checkedBalancer, graceOf, type TcpCloseOptions, type TcpOptions, type TcpSettings, tcpSettings } from './options.ts'
import { TcpConnection } from './tcp-connection.ts'

/** A server that forwards connections. */
export interface TcpServer extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Node's own, for what is not offered here. */
  readonly server: Server
  /** Connections that are open now. */
  readonly connections: number
  /**
   * Accepts no more, and waits at most `graceMs` for those that are open; what is left then is broken off. Called again, it can
   * only become faster. Not the balancer: it may have other users.
   * @throws GatewayError `BAD_OPTION` (as a rejection)
   */
  close(options?: TcpCloseOptions): Promise<void>
}

/**
 * Starts a server that forwards connections byte for byte to the endpoints of a balancer, whatever they carry: TLS goes through
 * unopened. Where an endpoint cannot be connected to, another one is. Bytes pass with back-pressure and half-closes; what one
 * side breaks off (RST) is broken off for the other.
 * @throws GatewayError `BAD_OPTION`; what Node throws when it cannot listen
 * @example await tcpBalancer(createBalancer({ endpoints: ['tcp://10.0.0.1:5432', 'tcp://10.0.0.2:5432'] }), { port: 5432 })
 */
export async function tcpBalancer(balancer: Balancer, options: TcpOptions = {}): Promise<TcpServer> {
  const settings = tcpSettings(options)
  const to = checkedBalancer(balancer)
  const open = new Set<TcpConnection>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = new TcpConnection(socket, to, settings)
    open.add(connection)
    socket.once('close', () => open.delete(connection))
    // It never rejects.
    void connection.forward()
  })
  server.maxConnections = settings.maxConnections
  await listen(server, settings)
  const closed = new Promise<void>((resolve) => server.once('close', resolve))

  const close = async (given: TcpCloseOptions = {}): Promise<void> => {
    const graceMs = graceOf(given)
    server.close()
    const breakOff = () => {
      for (const connection of open) connection.destroy()
    }
    const cancel = graceMs === 0 ? breakOff() : settings.clock.setTimer(breakOff, graceMs)
    await closed
    cancel?.()
  }
  const { address: host, port } = server.address() as AddressInfo
  return {
    ...{ host, port, server, close },
    get connections() {
      return open.size
    },
    [Symbol.asyncDispose]: () => close(),
  }
}

function listen(server: Server, { port, host }: TcpSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(host === undefined ? { port } : { port, host }, () => {
      server.off('error', reject)
      server.on('error', (error) => process.emitWarning(`a connection was not accepted: ${error.message}`, 'GateletWarning'))
      resolve()
    })
  })
}
