import { handlerOf, type Layer } from '@gatelet/core'
import { FetchExchange } from './exchange.ts'
import { FetchHost } from './host.ts'
import { type FetchOptions, fetchSettings } from './options.ts'

/** What a fetch host calls. Never rejects: errors are responses of `application/problem+json`. */
export interface FetchHandler<Env = unknown> {
  /**
   * @param env whatever the host gives along with a request, for `client` and `waitUntil`: connection details, bindings
   */
  (request: Request, env?: Env): Promise<Response>
  /** Resolves when no work in the background goes on: for a host that shuts down. */
  settled(): Promise<void>
}

/**
 * Makes a handler, a layer or a chain into a function of the web standard, as Hono, Next route handlers, `Bun.serve`,
 * `Deno.serve` and their kin take it. Bodies stream both ways at the pace of who reads them. Whoever drops a response
 * cancels its body (`response.body?.cancel()`), as with any `fetch`.
 *
 * What a fetch host cannot carry: interim answers are left out, trailers dropped, and an upgrade is answered with the
 * problem `UPGRADE_UNSUPPORTED` (501). What it has lost before we see it: the order and spelling of header fields, and
 * the target as it came, since a `Request` resolves dot segments and backslashes by itself (WHATWG URL); the rest is
 * made canonical here. `Host`, where there is one, counts more than the authority of the URL.
 * @throws GatewayError `BAD_OPTION`
 * @example serve({ fetch: toFetch(router, { client: (_, env: HttpBindings) => env.incoming.socket.remoteAddress }) })
 */
export function toFetch<Env = unknown>(layer: Layer, options: FetchOptions<Env> = {}): FetchHandler<Env> {
  const host = new FetchHost(handlerOf(layer), fetchSettings(options))
  const handle = (request: Request, env?: Env) => new FetchExchange(host, request, env as Env).answer()
  return Object.assign(handle, { settled: () => host.settled() })
}
