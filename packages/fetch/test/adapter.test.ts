import type { Server } from 'node:http'
import { Readable } from 'node:stream'
import { type Handler, handlerOf, notFound } from '@gatelet/core'
import { fromFetch, toFetch } from '@gatelet/fetch'
import { type AdapterScene, type Behind, describeAdapter, type StartedAdapter, startedServer } from '@gatelet/testing'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'

/** What a fetch host cannot do, or does in its own way; the other cases hold as they are. */
const beyond: Readonly<Record<string, string>> = {
  'shows the path in its canonical form, and the target as it came': 'a Request has resolved dot segments already',
  'shows header fields as they came, each line of a name': 'Headers joins them, in lower case',
  'refuses a Host that is none before a layer sees it': 'Hono does, without a body',
  'ends the connection of an HTTP/1.0 client with the reply, without chunks':
    'a Request does not say its version; Node frames it rightly',
  'sends no type of its own': 'Hono sends text/plain where there is none',
  'ends the connection when a layer says so': 'connections are the host’s',
  'sends trailers behind a stream': 'a Response has no place for them',
  'aborts every request that a client has pipelined when it leaves': 'Hono tells of the first one',
}
const seen = new Set<string>()

describeAdapter('fetch, in Hono on Node', started, {
  describe,
  upgrades: false,
  interim: false,
  test(name, run) {
    seen.add(name)
    if (name in beyond) test.skip(`${name}: ${beyond[name]}`, run)
    else test(name, run)
  },
})

test('nothing is left out that is not there, and at least 60 cases are not', () => {
  expect(Object.keys(beyond).filter((name) => !seen.has(name))).toEqual([])
  expect(seen.size - Object.keys(beyond).length).toBeGreaterThanOrEqual(60)
})

function started({ layer, behind, mount }: AdapterScene): Promise<StartedAdapter> {
  const client = (_: Request, env: HttpBindings) => env.incoming.socket.remoteAddress
  const handle = toFetch(handlerOf(layer, behind ? functionFor(behind) : notFound), { client })
  const app = new Hono<{ Bindings: HttpBindings }>()
  for (const path of mount === undefined ? ['*'] : [mount, `${mount}/*`]) app.all(path, (c) => handle(c.req.raw, c.env))
  return startedServer(createAdaptorServer({ fetch: app.fetch }) as Server)
}

/** What stands behind is a function of the web standard, as a route of the host is. */
function functionFor({ status = 200, headers = [], body, throws, seen, when }: Behind): Handler {
  return fromFetch(async (request) => {
    const { pathname, search } = new URL(request.url)
    seen?.({ method: request.method, url: pathname + search, headers: Object.fromEntries(request.headers) })
    await when
    if (throws) throw throws
    const fields = new Headers()
    for (const [name, value] of headers) fields.append(name, value)
    const stream = typeof body === 'function' ? (Readable.toWeb(body()) as ReadableStream) : (body ?? null)
    return new Response(status === 204 || status === 304 ? null : stream, { status, headers: fields })
  })
}
