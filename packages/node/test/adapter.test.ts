import { createServer } from 'node:http'
import { type Handler, HeaderList, handlerOf, notFound, type Reply } from '@gatelet/core'
import { attach } from '@gatelet/node'
import { type AdapterScene, type Behind, describeAdapter, type StartedAdapter, startedServer } from '@gatelet/testing'
import { describe, test } from 'vitest'

describeAdapter('node', started, { describe, test })

function started({ layer, behind, mount, upgrades }: AdapterScene): Promise<StartedAdapter> {
  const server = createServer()
  attach(server, handlerOf(layer, behind ? handlerFor(behind) : notFound), mount === undefined ? {} : { mount })
  if (mount !== undefined) server.on('request', (_, res) => res.writeHead(404).end('elsewhere'))
  if (mount !== undefined && upgrades) server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n'))
  return startedServer(server)
}

function handlerFor({ status = 200, headers = [], body, throws, seen, when }: Behind): Handler {
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
