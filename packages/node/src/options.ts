import {
  addressRanges,
  type Check,
  type Checks,
  type Clock,
  canonicalizePath,
  checkOptions,
  GatewayError,
  type Layer,
  options,
  type PathOptions,
  systemClock,
  type TrustedProxies,
  trustedProxies,
} from '@gatelet/core'
import { type Http2Options, http2Checks } from './http2/options.ts'
import { type ServeTlsOptions, tlsChecks } from './tls/options.ts'

/** How requests are read. */
export interface AdapterOptions {
  /** Which proxies before us are believed about the client's address and scheme. Default: none. */
  trustedProxies?: TrustedProxies
  /** Which doubtful paths are let through. Default: none. */
  paths?: PathOptions
  /** Where time comes from. */
  clock?: Clock
}

/** How a handler is put on a server that somebody else made. */
export interface AttachOptions extends AdapterOptions {
  /**
   * Only requests for this path, and what lies below it, are ours; the others go to the server's other listeners. The
   * handler still sees the whole path. Default: every request is ours.
   */
  mount?: string
}

/** How a server is started. Times are in milliseconds. */
export interface ServeOptions extends AdapterOptions {
  /** 0 to 65,535; 0 takes a free one. Default 8080. */
  port?: number
  /** The address to listen on. Default: every address of the machine, since a gateway is there to be reached. `127.0.0.1` is reached from this machine only. */
  host?: string
  /**
   * Peers that begin each connection with a PROXY protocol header (v1 or v2), as addresses and CIDR ranges. From them, a
   * connection without one is closed; from others, a header is no HTTP. Default: nobody.
   */
  proxyProtocol?: ProxyProtocolOptions
  /**
   * How long a connection may be idle between two requests. Longer than what stands before us keeps its own (60 s for most
   * cloud balancers), or that sends a request into a connection which is just being closed. Default 65,000.
   */
  keepAliveTimeoutMs?: number
  /**
   * How long the head of a request may take, from its first byte; for the first request of a connection, from the start of
   * the connection. Time between two requests does not count, so this may be shorter than `keepAliveTimeoutMs`. Looked at
   * every quarter of it. Default 10,000.
   */
  headersTimeoutMs?: number
  /** How long a whole request may take to arrive, body included; 0: no bound, `stallTimeoutMs` still holds. Default 300,000. */
  requestTimeoutMs?: number
  /**
   * How long a client may let us wait in the middle of a message: it sends nothing of a body that is wanted, or takes
   * nothing of a reply (for each 64 KiB that wait for it). 0: no bound. Default 60,000.
   */
  stallTimeoutMs?: number
  /** Bytes of all header fields of a request, 1,024 to 1,048,576; more get 431. At most 1,000 fields in any case. Default 16,384. */
  maxHeaderBytes?: number
  /** Connections at most; more are closed at once. 1 to 1,000,000. Default 10,000. */
  maxConnections?: number
  /**
   * Connections from one address at most, which is that of the peer, also where its PROXY header names another; more are closed
   * at once. 1 to 1,000,000. Default: no bound of its own.
   */
  maxConnectionsPerAddress?: number
  /**
   * Whether a client that has ended its side (FIN) still gets its reply. A client that leaves looks the same, so with this
   * its leaving is only seen when something cannot be written. Default false: it has left.
   */
  allowHalfClosed?: boolean
  /** Speaks TLS. Default: plain HTTP. */
  tls?: ServeTlsOptions
  /**
   * Whether clients may speak HTTP/2: with `tls` by ALPN, else by prior knowledge (h2c). WebSockets too (RFC 8441). Default:
   * true with `tls`, false without.
   */
  http2?: boolean | Http2Options
}

/** Who begins a connection with a PROXY protocol header. */
export interface ProxyProtocolOptions {
  /** Addresses and CIDR ranges, at least one. */
  from: readonly string[]
}

/** How a server is closed. */
export interface CloseOptions {
  /** How long it still accepts, so that what stands before us sees first that we are not ready. Default 0. */
  delayMs?: number
  /** How long requests in flight, upgraded connections and background work may then go on. Default 30,000. */
  graceMs?: number
}

/** Checked, and every default filled in. */
export interface AdapterSettings {
  /** Undefined: nobody is trusted. */
  readonly trustedProxies: TrustedProxies | undefined
  readonly paths: PathOptions
  readonly clock: Clock
}

export interface AttachSettings extends AdapterSettings {
  readonly mount: string
}

export interface ServeSettings extends AdapterSettings {
  readonly port: number
  readonly host: string | undefined
  readonly proxyProtocol: ProxyProtocolOptions | undefined
  readonly keepAliveTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly stallTimeoutMs: number
  readonly maxHeaderBytes: number
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly allowHalfClosed: boolean
  readonly tls: ServeTlsOptions | undefined
  /** Undefined: HTTP/2 is not spoken. */
  readonly http2: Required<Http2Options> | undefined
}

const { boolean, either, list, milliseconds, number, optional, shape, string, wrong } = options

const adapterChecks: Checks<AdapterOptions> = {
  trustedProxies: optional(trustedProxies),
  paths: optional(
    shape<PathOptions>({
      doubleSlash: optional(boolean),
      encodedSlash: optional(boolean),
      encodedBackslash: optional(boolean),
    }),
  ),
  clock: optional(options.clock),
}

const mount: Check<string> = (value, path) => {
  if (typeof value === 'string' && isCanonical(value)) return value.replace(/\/$/, '')
  throw wrong(value, path, 'a path in its canonical form, such as /api')
}

function isCanonical(path: string): boolean {
  try {
    return !path.includes('?') && canonicalizePath(path) === path
  } catch {
    return false
  }
}

const ranges: Check<readonly string[]> = (value, path) => {
  const texts = list(string, { min: 1, max: 10_000 })(value, path)
  addressRanges(texts, path)
  return texts
}

const whole = (min: number, max: number, unit?: string) => number({ min, max, integer: true, ...(unit ? { unit } : {}) })

const attachChecks: Checks<AttachOptions> = { ...adapterChecks, mount: optional(mount) }

const serveChecks: Checks<ServeOptions> = {
  ...adapterChecks,
  port: optional(whole(0, 65_535)),
  host: optional(string),
  proxyProtocol: optional(shape<ProxyProtocolOptions>({ from: ranges })),
  keepAliveTimeoutMs: optional(milliseconds()),
  headersTimeoutMs: optional(milliseconds()),
  requestTimeoutMs: optional(milliseconds(0)),
  stallTimeoutMs: optional(milliseconds(0)),
  maxHeaderBytes: optional(whole(1_024, 1_048_576, 'bytes')),
  maxConnections: optional(whole(1, 1_000_000)),
  maxConnectionsPerAddress: optional(whole(1, 1_000_000)),
  allowHalfClosed: optional(boolean),
  tls: optional(shape(tlsChecks)),
  http2: optional(either('true, false, or options for HTTP/2', boolean, shape(http2Checks))),
}

const closeChecks: Checks<CloseOptions> = { delayMs: optional(milliseconds(0)), graceMs: optional(milliseconds(0)) }

/** @throws GatewayError `BAD_OPTION` */
export function attachSettings(given: AttachOptions): AttachSettings {
  const checked = checkOptions('attach', given, attachChecks)
  return { ...adapterSettings(checked), mount: checked.mount ?? '' }
}

/** @throws GatewayError `BAD_OPTION` */
export function serveSettings(given: ServeOptions): ServeSettings {
  const checked = checkOptions('serve', given, serveChecks)
  const { headersTimeoutMs = 10_000, requestTimeoutMs = 300_000 } = checked
  if (requestTimeoutMs > 0 && headersTimeoutMs > requestTimeoutMs) {
    const message = `serve: headersTimeoutMs must be at most requestTimeoutMs, which is ${requestTimeoutMs} (got ${headersTimeoutMs})`
    throw new GatewayError('BAD_OPTION', { path: 'headersTimeoutMs', message })
  }
  return {
    ...adapterSettings(checked),
    port: checked.port ?? 8080,
    host: checked.host,
    proxyProtocol: checked.proxyProtocol,
    keepAliveTimeoutMs: checked.keepAliveTimeoutMs ?? 65_000,
    headersTimeoutMs,
    requestTimeoutMs,
    stallTimeoutMs: checked.stallTimeoutMs ?? 60_000,
    maxHeaderBytes: checked.maxHeaderBytes ?? 16_384,
    maxConnections: checked.maxConnections ?? 10_000,
    maxConnectionsPerAddress: checked.maxConnectionsPerAddress ?? Number.POSITIVE_INFINITY,
    allowHalfClosed: checked.allowHalfClosed ?? false,
    tls: checked.tls,
    http2: http2Settings(checked.http2 ?? checked.tls !== undefined),
  }
}

function http2Settings(given: boolean | Http2Options): Required<Http2Options> | undefined {
  if (given === false) return undefined
  const { maxConcurrentStreams = 128, maxResets = 200, maxSessionMegabytes = 10 } = given === true ? {} : given
  return { maxConcurrentStreams, maxResets, maxSessionMegabytes }
}

/** @throws GatewayError `BAD_OPTION` */
export function closeSettings(given: CloseOptions): Required<CloseOptions> {
  const { delayMs = 0, graceMs = 30_000 } = checkOptions('close', given, closeChecks)
  return { delayMs, graceMs }
}

function adapterSettings({ trustedProxies, paths = {}, clock = systemClock }: AdapterOptions): AdapterSettings {
  return { trustedProxies, paths, clock }
}

/** What stands behind an adapter. @throws GatewayError `BAD_OPTION` where it is no handler, layer or chain */
export function checkLayer(owner: string, layer: Layer): void {
  const isLayer = typeof layer === 'function' || typeof (layer as { layer?: unknown } | null)?.layer === 'function'
  if (isLayer) return
  throw new GatewayError('BAD_OPTION', {
    path: 'layer',
    message: `${owner}: the first argument must be a handler, a layer or a chain`,
  })
}
