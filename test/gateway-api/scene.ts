import { createBalancer } from '@gatelet/balancer'
import { type Clock, systemClock } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type Forwarder, proxy } from '@gatelet/proxy'
import { type OriginHandler, origins, type RawResponse, rawRequest } from '@gatelet/testing'
import type { HttpRoute, Listener } from './http-route.ts'
import { gatewayOf } from './translate.ts'

/** What came back, and which backend it came from with what it was asked. */
interface Seen {
  readonly reply: RawResponse
  /** Undefined: the gateway answered by itself. */
  readonly backend: string | undefined
  readonly path: string | undefined
  readonly host: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

export interface Scene extends AsyncDisposable {
  /** @param what `GET /path`, or `GET host/path`, then fields, each behind ` | ` */
  ask(what: string): Promise<Seen>
}

export interface SceneOptions {
  readonly listeners?: readonly Listener[]
  readonly clock?: Clock
}

const names = ['v1', 'v2', 'v3']

/** A gateway on a real socket, with the backends `v1`, `v2` and `v3`, and `down`, which has no server at the moment. */
export async function scene(
  routes: readonly HttpRoute[],
  { listeners = [{ name: 'http' }], clock = systemClock }: SceneOptions = {},
): Promise<Scene> {
  const farm = await origins(names.length, { handler: answers })
  const empty = createBalancer({ endpoints: [] })
  const forwards = [...farm.urls, empty].map((to) => proxy(to, { host: 'preserve' }))
  const backends = Object.fromEntries([...names, 'down'].map((name, at) => [name, forwards[at] as Forwarder]))
  const server = await serve(gatewayOf(routes, { backends, listeners, clock }), { port: 0, host: '127.0.0.1' })
  return {
    ask: (what) => asked(server.port, what),
    async [Symbol.asyncDispose]() {
      await server.close({ graceMs: 0 })
      await Promise.all(forwards.map((forward) => forward.close()))
      await empty.close()
      await farm.close()
    },
  }
}

/** Tells what it was asked; waits where the query says so, and adds fields that the request names. */
const answers: OriginHandler = async (req, res, origin) => {
  const wait = Number(new URL(req.url ?? '/', 'http://a.test').searchParams.get('delayMs') ?? 0)
  for (const pair of String(req.headers['x-answer'] ?? '').split(',')) {
    const [name = '', value = ''] = pair.trim().split('=')
    if (name !== '') res.appendHeader(name, value)
  }
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
  res.setHeader('content-type', 'application/json')
  res.end(JSON.stringify({ backend: names[origin.id], path: req.url, host: req.headers.host, headers: req.headersDistinct }))
}

async function asked(port: number, what: string): Promise<Seen> {
  const [line = '', ...fields] = what.split(' | ')
  const [, method = 'GET', host = '', path = ''] = /^([A-Z]+) ([^/]*)(.*)$/.exec(line) ?? []
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${host || 'example.com'}`, 'Connection: close', ...fields]
  const { responses } = await rawRequest(port, `${head.join('\r\n')}\r\n\r\n`)
  const reply = responses.at(-1)
  if (!reply) throw new Error(`no answer to ${what}`)
  const told = /^\{"backend"/.test(reply.text) ? JSON.parse(reply.text) : {}
  return { reply, backend: told.backend, path: told.path, host: told.host, headers: told.headers ?? {} }
}
