import { createServer, type Server } from 'node:http'
import { type Handler, HeaderList, handlerOf, notFound, type Reply } from '@gatelet/core'
import { type AttachOptions, attach } from '@gatelet/node'
import { type Behind, type StartAdapter, startedServer } from '@gatelet/testing'

/** What is done in another way than by `attach`. */
export interface Deviation {
  /** In front of the layer. */
  around?(handler: Handler): Handler
  /** Between the layer and what stands behind it. */
  between?(next: Handler): Handler
  readonly options?: AttachOptions
  readonly upgrades?: boolean
  server?(server: Server): void
}

const asIs = (handler: Handler): Handler => handler

/** Plays scenes on `node:http`. */
export function nodeStarter({ around = asIs, between = asIs, ...rest }: Deviation = {}): StartAdapter {
  return function start({ layer, behind, mount, upgrades }) {
    const server = createServer()
    const handler = around(handlerOf(layer, between(behind ? handlerFor(behind) : notFound)))
    if (upgrades !== true || rest.upgrades !== false)
      attach(server, handler, { ...(mount === undefined ? {} : { mount }), ...rest.options })
    if (mount !== undefined) server.on('request', (_, res) => res.writeHead(404).end('elsewhere'))
    if (upgrades && (mount !== undefined || rest.upgrades === false))
      server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n'))
    rest.server?.(server)
    return startedServer(server)
  }
}

/** What stands behind a layer, as a handler. */
export function handlerFor({ status = 200, headers = [], body, throws, seen, when }: Behind): Handler {
  return async ({ request }): Promise<Reply> => {
    const { method, url } = request
    seen?.({
      method,
      url: url.path + url.search,
      headers: Object.fromEntries([...request.headers].map(([name]) => [name.toLowerCase(), request.headers.get(name)])),
    })
    await when
    if (throws) throw throws
    return { status, headers: new HeaderList(headers), body: typeof body === 'function' ? body() : (body ?? null) }
  }
}
