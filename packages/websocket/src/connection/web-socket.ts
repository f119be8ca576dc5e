import { type Context, checkOptions, type Handler } from '@gatelet/core'
import { newId, type OpenConnection } from './connection.ts'
import { Front } from './front.ts'
import { type WebSocketOptions, webSocketChecks } from './options.ts'
import { settingsOf } from './settings.ts'

/**
 * Takes clients' WebSockets (RFC 6455; over HTTP/2 RFC 8441) and hands each over as a connection: its messages, checked and bounded.
 * Layers in front see the handshake as any request, so auth, limits and routes hold for it; the router's and their state is
 * `connection.state`.
 *
 * Closes with 1001 what is silent or lasts too long, 1002 and 1007 what is no WebSocket, 1008 when the credentials expire or too much is
 * sent, 1009 what is too long, 1011 when `onConnection` or a listener fails, 1012 when the server goes down.
 * @throws GatewayError `BAD_OPTION`
 * @example router.get('/echo', webSocket({ onConnection: (client) => client.onMessage(async (m) => void (await client.send(m))) }))
 */
export function webSocket<S extends object = {}>(options: WebSocketOptions<S>): Handler<S> {
  const { onConnection, ...rest } = checkOptions<WebSocketOptions>('webSocket', options, webSocketChecks)
  const front = new Front(settingsOf(rest))
  return function webSocket(ctx) {
    front.admit(ctx as Context)
    return front.accept(ctx as Context, { id: newId() }, (connection) => void given(onConnection, connection))
  }
}

async function given(onConnection: WebSocketOptions['onConnection'], connection: OpenConnection<{}>): Promise<void> {
  try {
    await onConnection(connection)
  } catch (error) {
    connection.fail(error)
  }
}
