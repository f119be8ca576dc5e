import { createBalancer } from '@gatelet/balancer'
import { type Clock, systemClock } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type Forwarder, type ProxyOptions, proxy } from '@gatelet/proxy'
import { type Origin, type OriginHandler, origins, type RawResponse, rawRequest } from '@gatelet/testing'
import { echoes } from './echoes.ts'
import type { HttpRoute, Listener } from './http-route.ts'
import { http2Origin } from './http2-origin.ts'
import { gatewayOf } from './translate.ts'

/** What came back, and which backend it came from with what it was asked. */
interface Seen {
  readonly reply: RawResponse
  /** Undefined: the gateway answered by itself. */
  readonly backend: string | undefined
  readonly path: string | undefined
  readonly host: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** By which version of HTTP the backend was asked. */
  readonly version: string | undefined
  /** How often the backend was asked for just this, this time included. */
  readonly attempt: number | undefined
}

export interface Scene extends AsyncDisposable {
  /** @param what `GET /path`, or `GET host/path`, then fields, each behind ` | ` */
  ask(what: string): Promise<Seen>
  readonly port: number
  /** `v1`, `v2` and `v3`. */
  readonly origins: readonly Origin[]
}

export interface SceneOptions {
  readonly listeners?: readonly Listener[]
  readonly clock?: Clock
}

const names = ['v1', 'v2', 'v3']

/**
 * A gateway on a real socket, with the backends `v1`, `v2` and `v3`, which take WebSockets too and send back what they get; `h2c`,
 * which speaks HTTP/2 alone; `down`, which has no server at the moment; and `half`, `v2` with a server that is gone.
 */
export async function scene(
  routes: readonly HttpRoute[],
  { listeners = [{ name: 'http' }], clock = systemClock }: SceneOptions = {},
): Promise<Scene> {
  const farm = await origins(names.length + 1, { handler: answers, upgrade: echoes })
  const gone = farm.servers[names.length] as Origin
  await gone.stop()
  const http2 = await http2Origin()
  const half = createBalancer({ endpoints: [gone.url, farm.urls[1] as string], strategy: 'round-robin' })
  const empty = createBalancer({ endpoints: [] })
  const targets = new Map([...names.map((name, at) => [name, farm.urls[at] as string] as const), ['h2c', http2.url]])
  const forwards: Forwarder[] = []
  const backend = (name: string, retries: ProxyOptions['retries'] = 2) => {
    const to = name === 'down' ? empty : name === 'half' ? half : targets.get(name)
    if (to === undefined) return undefined
    const forward = proxy(to, { host: 'preserve', retries, http2: name === 'h2c' })
    forwards.push(forward)
    return forward
  }
  const server = await serve(gatewayOf(routes, { backend, listeners, clock }), { port: 0, host: '127.0.0.1' })
  return {
    ask: (what) => asked(server.port, what),
    port: server.port,
    origins: farm.servers.slice(0, names.length),
    async [Symbol.asyncDispose]() {
      await server.close({ graceMs: 0 })
      await Promise.all(forwards.map((forward) => forward.close()))
      await Promise.all([empty.close(), half.close(), farm.close(), http2.close()])
    },
  }
}

/** Tells what it was asked. The query may say to wait, and to fail the first `fail` times; a header adds fields to the reply. */
const answers: OriginHandler = async (req, res, origin) => {
  const query = new URL(req.url ?? '/', 'http://a.test').searchParams
  const wait = Number(query.get('delayMs') ?? 0)
  const attempt = origin.requests.filter(({ method, url }) => method === req.method && url === req.url).length
  for (const pair of String(req.headers['x-answer'] ?? '').split(',')) {
    const [name = '', value = ''] = pair.trim().split('=')
    if (name !== '') res.appendHeader(name, value)
  }
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
  if (attempt <= Number(query.get('fail') ?? 0)) res.statusCode = Number(query.get('status'))
  res.setHeader('content-type', 'application/json')
  const { url: path, headersDistinct: headers, httpVersion: version } = req
  res.end(JSON.stringify({ backend: names[origin.id], path, host: req.headers.host, headers, version, attempt }))
}

async function asked(port: number, what: string): Promise<Seen> {
  const [line = '', ...fields] = what.split(' | ')
  const [, method = 'GET', host = '', path = ''] = /^([A-Z]+) ([^/]*)(.*)$/.exec(line) ?? []
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${host || 'example.com'}`, 'Connection: close', ...fields]
  const { responses } = await rawRequest(port, `${head.join('\r\n')}\r\n\r\n`)
  const reply = responses.at(-1)
  if (!reply) throw new Error(`no answer to ${what}`)
  const told = /^\{"backend"/.test(reply.text) ? JSON.parse(reply.text) : {}
  const { backend, path: seenPath, host: seenHost, headers = {}, version, attempt } = told
  return { reply, backend, path: seenPath, host: seenHost, headers, version, attempt }
}
