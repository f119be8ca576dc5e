import {
  type Checks,
  type Clock,
  checkOptions,
  GatewayError,
  options,
  type PathOptions,
  systemClock,
  type TrustedProxies,
  trustedProxies,
} from '@gatelet/core'

/** How the requests of a fetch host are read. `Env` is what the host gives along with each. */
export interface FetchOptions<Env = unknown> {
  /**
   * The address at the other end of the connection: a `Request` does not have it. On Node with Hono:
   * `(_, env) => env.incoming.socket.remoteAddress`; with `Deno.serve`: `(_, info) => info.remoteAddr.hostname`; with
   * `Bun.serve`: `(request, server) => server.requestIP(request)?.address`. Default: nobody knows it, and all clients look
   * like one whose address is empty.
   */
  client?: (request: Request, env: Env) => string | null | undefined
  /**
   * Which proxies before us are believed about the client's address and scheme. Addresses and ranges need `client`; how
   * many proxies there are does not. Default: none.
   */
  trustedProxies?: TrustedProxies
  /** Which doubtful paths are let through. Default: none. */
  paths?: PathOptions
  /** Keeps the host from stopping while work goes on in the background: `(work, env) => env.waitUntil(work)`. Default: nothing does. */
  waitUntil?: (work: Promise<void>, env: Env) => void
  /** Where time comes from. */
  clock?: Clock
}

/** Checked, and every default filled in. Whatever `Env` is, it comes from the host and goes back to these functions. */
export interface FetchSettings {
  readonly client: (request: Request, env: unknown) => string | null | undefined
  readonly trustedProxies: TrustedProxies | undefined
  readonly paths: PathOptions
  readonly waitUntil: ((work: Promise<void>, env: unknown) => void) | undefined
  readonly clock: Clock
}

/** @throws GatewayError `BAD_OPTION` */
export function fetchSettings<Env>(given: FetchOptions<Env>): FetchSettings {
  const checked = checkOptions('toFetch', given as FetchOptions, checks)
  const { client = nobodyKnows, trustedProxies, paths = {}, waitUntil, clock = systemClock } = checked
  if (checked.client === undefined && needsAddress(trustedProxies)) {
    const message = `toFetch: trustedProxies must be how many proxies there are where client does not say who connects (got addresses)`
    throw new GatewayError('BAD_OPTION', { path: 'trustedProxies', message })
  }
  return { client, trustedProxies, paths, waitUntil, clock }
}

const nobodyKnows = () => undefined

// A list that nobody's address can be on would trust nobody without a word.
function needsAddress(trusted: TrustedProxies | undefined): boolean {
  if (trusted === undefined || typeof trusted === 'number') return false
  const proxies = 'proxies' in trusted ? trusted.proxies : trusted
  return typeof proxies !== 'number' && proxies.length > 0
}

const { boolean, fn, optional, shape } = options

const checks: Checks<FetchOptions> = {
  client: optional(fn<NonNullable<FetchOptions['client']>>('a function of the request that returns an address')),
  trustedProxies: optional(trustedProxies),
  paths: optional(
    shape<PathOptions>({
      doubleSlash: optional(boolean),
      encodedSlash: optional(boolean),
      encodedBackslash: optional(boolean),
    }),
  ),
  waitUntil: optional(fn<NonNullable<FetchOptions['waitUntil']>>('a function that takes a promise')),
  clock: optional(options.clock),
}
