import type { Server } from 'node:http'
import { handlerOf, type Layer } from '@gatelet/core'
import { Adapter } from './adapter.ts'
import { addAttachment } from './attachments.ts'
import { type AttachOptions, attachSettings, checkLayer } from './options.ts'

/**
 * Puts a handler, a layer or a chain on a server that you made, for requests and WebSocket handshakes alike, beside what
 * listens there already: a request is answered by us or by the others, never by both. The server's timeouts and limits
 * stay as they are.
 * @returns what takes it off again; requests in flight go on to their end
 * @throws GatewayError `BAD_OPTION`
 * @example
 * const server = createServer(app)
 * attach(server, proxy(users), { mount: '/users' })
 * server.listen(3000)
 */
export function attach(server: Server, layer: Layer, options: AttachOptions = {}): () => void {
  checkLayer('attach', layer)
  const settings = attachSettings(options)
  return addAttachment(server, { adapter: new Adapter(handlerOf(layer), settings, server), mount: settings.mount })
}
