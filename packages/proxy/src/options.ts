import {
  type Balancer,
  type Checks,
  type Clock,
  canonicalizeHost,
  checkOptions,
  isHopByHop,
  options,
  systemClock,
  type UpstreamTls,
  type UpstreamTlsOptions,
  upstreamTls,
  upstreamTlsChecks,
} from '@gatelet/core'
import { type AddressGuard, type AddressOptions, addressChecks, addressGuard } from './address-guard.ts'
import { type HedgeOptions, type HedgeSettings, hedgeCheck, hedgeSettings } from './hedge-options.ts'
import { type RetryOptions, type RetrySettings, retriesCheck, retrySettings } from './retry-options.ts'
import { normalizedMap } from './set-cookie.ts'

/** How long to wait for what. All in milliseconds; waits for answers and bodies may be a second longer. */
export interface ProxyTimeouts {
  /** For a connection, TLS included. Default 2,000. */
  connectMs?: number
  /** From the request being sent to the response's headers, for one attempt. Default 15,000. */
  headersMs?: number
  /** Between two chunks of the response's body, while the client keeps up. Default 30,000; 0: no bound. */
  bodyIdleMs?: number
  /**
   * For all attempts together, waits for a connection among them, to the response's headers. A request body that is still
   * flowing does not count, nor does the response's, so uploads and event streams may last. Default 60,000.
   */
  totalMs?: number
  /**
   * For one attempt to its answer's headers, the making of a connection included, a wait for one that is in use (`queueMs`) not;
   * then another endpoint is asked as after `headersMs`. For requests without a body, or with a collected one. A layer may say less
   * (core's `withAttemptMs`). Default: none but those above.
   */
  attemptMs?: number
  /**
   * How long nothing may pass on an upgraded connection, either way; then both sides are closed. Peers of WebSocket ping each other
   * far more often where they want to be sure. Default 3,600,000 (an hour); 0: no bound.
   */
  upgradeIdleMs?: number
  /**
   * Over how long WebSockets are told to come again elsewhere (close code 1012) when their endpoint is drained or removed, or the
   * server goes down: each at a moment of its own within it, so that they do not all come back at once. Of the server's grace at most
   * the first half. Default 10,000; 0: all at once.
   */
  upgradeDrainMs?: number
}

/**
 * New values for an attribute of `Set-Cookie`, by the old value (its case, and a leading dot, do not count); `*` is any
 * other; empty removes the attribute.
 */
export type CookieMap = Readonly<Record<string, string>>

/** How requests are forwarded. */
export interface ProxyOptions {
  /**
   * What the upstream gets as `Host`: its own name, the client's (`preserve`), or this one. Default `upstream`; the
   * client's is then in `X-Forwarded-Host`.
   */
  host?: 'upstream' | 'preserve' | (string & {})
  /** Which fields tell the upstream of the client: `X-Forwarded-For`, `-Proto`, `-Host`; `Forwarded` (RFC 7239); or neither. Default `x-forwarded`. */
  forwarded?: 'x-forwarded' | 'forwarded' | 'both' | 'none'
  /**
   * The name of this proxy in `Via` (RFC 9110 §7.6.3), by which it knows a request that comes round again (508). Must be
   * its own. Default: `gatelet-` and eight random hex digits; false sends none and sees no loops.
   */
  via?: string | false
  /** Whether a `Location` that names the upstream is made to name what the client called. Default true. */
  rewriteLocation?: boolean
  /** Changes the `Domain` and `Path` of cookies. Default: they pass as they are. */
  cookies?: { domain?: CookieMap; path?: CookieMap }
  timeouts?: ProxyTimeouts
  /**
   * Attempts after the first, each at an endpoint that was not tried yet: 0 to 10, default 2; or all that can be said of them. One
   * that met a connection which the upstream had closed meanwhile does not count.
   */
  retries?: number | RetryOptions
  /**
   * Asks a second endpoint when the first is slow, and takes the answer that comes first. For idempotent requests whose body, if
   * any, is collected; out of the budget of `retries`. Default: not.
   */
  hedge?: HedgeOptions
  /**
   * The header field that tells the upstream how long an answer is waited for, such as `x-request-timeout-ms`: whole milliseconds;
   * `grpc-timeout` gets gRPC's format. A shorter time of the client's in the same field is kept. Default: none.
   */
  deadlineHeader?: string
  /** Longest request body in bytes, 1 or more: more is 413, before an endpoint is asked where the length is known. Default: no bound. */
  maxRequestBytes?: number
  /**
   * Longest response body in bytes, 1 or more: more is 502 where the length is known, and else broken off. It is not held against
   * the endpoint. Default: no bound.
   */
  maxResponseBytes?: number
  /** Connections to one endpoint at most, 1 to 10,000. Those of upgrades are not among them: each has its client's. Default 128. */
  connections?: number
  /** Requests that wait for a connection to one endpoint at most, 0 to 100,000; more get 503. Default 1,024. */
  maxQueued?: number
  /** Longest wait for a connection, in milliseconds; then 503. Default 2,000. */
  queueMs?: number
  /** How long an unused connection is kept, in milliseconds, unless the upstream announces less. Keep it below the upstream's. Default 4,000. */
  keepAliveMs?: number
  /** How TLS is spoken with endpoints that have an https URL, upgrades too. */
  tls?: UpstreamTlsOptions
  /**
   * Speaks HTTP/2 with the endpoints, and with no others: over TLS by ALPN, without by prior knowledge (h2c). Handshakes for
   * WebSockets still go by HTTP/1.1, on connections of their own. Default false.
   */
  http2?: boolean
  /** Which addresses may be connected to. Default: any, since endpoints are named by who runs the gateway. */
  addresses?: AddressOptions
  /** Where time comes from. */
  clock?: Clock
}

/** The same with every default filled in. */
export interface ProxySettings {
  readonly host: string
  readonly forwarded: 'x-forwarded' | 'forwarded' | 'both' | 'none'
  readonly via: string | undefined
  readonly rewriteLocation: boolean
  readonly cookies: { readonly domain?: CookieMap; readonly path?: CookieMap } | undefined
  readonly connectMs: number
  readonly headersMs: number
  readonly bodyIdleMs: number
  readonly totalMs: number
  readonly attemptMs: number | undefined
  readonly upgradeIdleMs: number
  readonly upgradeDrainMs: number
  readonly retries: RetrySettings
  readonly hedge: HedgeSettings | undefined
  readonly deadlineHeader: string | undefined
  readonly maxRequestBytes: number | undefined
  readonly maxResponseBytes: number
  readonly connections: number
  readonly maxQueued: number
  readonly queueMs: number
  readonly keepAliveMs: number
  readonly tls: UpstreamTls
  readonly http2: boolean
  readonly guard: AddressGuard | undefined
  readonly clock: Clock
}

const { boolean, either, httpUrl, milliseconds, number, oneOf, optional, record, shape, wrong } = options

const tokenText = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

const token: options.Check<string> = (value, path) => {
  if (typeof value !== 'string' || !tokenText.test(value)) {
    throw wrong(value, path, "a name of letters, digits and !#$%&'*+-.^_`|~, or false")
  }
  return value
}

const hostName: options.Check<string> = (value, path) => {
  const expected = "'upstream', 'preserve' or a host name such as api.internal:8080"
  if (typeof value !== 'string') throw wrong(value, path, expected)
  try {
    canonicalizeHost(value, 'http')
  } catch {
    throw wrong(value, path, expected)
  }
  return value
}

const attribute: options.Check<string> = (value, path) => {
  if (typeof value !== 'string' || /[^\x20-\x7e]|;/.test(value))
    throw wrong(value, path, 'a value of a cookie attribute, or empty')
  return value
}

const cookieMap: options.Check<CookieMap> = (value, path) => normalizedMap(record(attribute)(value, path))

const fieldName: options.Check<string> = (value, path) => {
  const expected = 'a header field of your own, such as x-request-timeout-ms'
  if (typeof value !== 'string' || !tokenText.test(value) || isHopByHop(value) || reserved.has(value.toLowerCase()))
    throw wrong(value, path, expected)
  return value
}

// They frame the message, or say where it goes.
const reserved: ReadonlySet<string> = new Set(['host', 'content-length', 'expect', 'via', 'cookie', 'authorization'])

const bytes = number({ min: 1, max: Number.MAX_SAFE_INTEGER, integer: true, unit: 'bytes' })

/** What each option must be, for options that hold a proxy's. They return a copy. */
export const proxyChecks: Checks<ProxyOptions> = {
  host: optional(hostName),
  forwarded: optional(oneOf('x-forwarded', 'forwarded', 'both', 'none')),
  via: optional(either('a name, or false', oneOf(false), token)),
  rewriteLocation: optional(boolean),
  cookies: optional(shape<NonNullable<ProxyOptions['cookies']>>({ domain: optional(cookieMap), path: optional(cookieMap) })),
  timeouts: optional(
    shape<ProxyTimeouts>({
      connectMs: optional(milliseconds()),
      headersMs: optional(milliseconds()),
      bodyIdleMs: optional(milliseconds(0)),
      totalMs: optional(milliseconds()),
      attemptMs: optional(milliseconds()),
      upgradeIdleMs: optional(milliseconds(0)),
      upgradeDrainMs: optional(milliseconds(0)),
    }),
  ),
  retries: optional(retriesCheck),
  hedge: optional(hedgeCheck),
  deadlineHeader: optional(fieldName),
  maxRequestBytes: optional(bytes),
  maxResponseBytes: optional(bytes),
  connections: optional(number({ min: 1, max: 10_000, integer: true })),
  maxQueued: optional(number({ min: 0, max: 100_000, integer: true })),
  queueMs: optional(milliseconds()),
  keepAliveMs: optional(milliseconds()),
  tls: optional(upstreamTlsChecks),
  http2: optional(boolean),
  addresses: optional(addressChecks),
  clock: optional(options.clock),
}

/** Checks options and fills in the defaults. @throws GatewayError `BAD_OPTION` */
export function proxySettings(given: ProxyOptions): ProxySettings {
  const checked = checkOptions('proxy', given, proxyChecks)
  const { connectMs = 2_000, headersMs = 15_000, bodyIdleMs = 30_000, totalMs = 60_000 } = checked.timeouts ?? {}
  return {
    host: checked.host ?? 'upstream',
    forwarded: checked.forwarded ?? 'x-forwarded',
    via: checked.via === false ? undefined : (checked.via ?? randomName()),
    rewriteLocation: checked.rewriteLocation ?? true,
    cookies: checked.cookies,
    connectMs,
    headersMs,
    bodyIdleMs,
    totalMs,
    attemptMs: checked.timeouts?.attemptMs,
    upgradeIdleMs: checked.timeouts?.upgradeIdleMs ?? 3_600_000,
    upgradeDrainMs: checked.timeouts?.upgradeDrainMs ?? 10_000,
    retries: retrySettings(checked.retries),
    hedge: hedgeSettings(checked.hedge),
    deadlineHeader: checked.deadlineHeader,
    maxRequestBytes: checked.maxRequestBytes,
    maxResponseBytes: checked.maxResponseBytes ?? Number.POSITIVE_INFINITY,
    connections: checked.connections ?? 128,
    maxQueued: checked.maxQueued ?? 1_024,
    queueMs: checked.queueMs ?? 2_000,
    keepAliveMs: checked.keepAliveMs ?? 4_000,
    tls: upstreamTls(checked.tls, 'proxy'),
    http2: checked.http2 ?? false,
    guard: checked.addresses && addressGuard(checked.addresses),
    clock: checked.clock ?? systemClock,
  }
}

/** What to forward to. @throws GatewayError `BAD_OPTION` */
export function proxyTarget(to: unknown): Balancer | URL {
  return checkOptions('proxy', { to }, { to: target }).to
}

const target: options.Check<Balancer | URL> = (value, path) => {
  if (typeof value === 'string' || value instanceof URL) return httpUrl(value, path)
  if (typeof (value as Partial<Balancer> | null | undefined)?.acquire === 'function') return value as Balancer
  throw wrong(value, path, 'a balancer, or an http or https URL such as http://10.0.0.1:8080')
}

// Each proxy its own: two of them in one chain, or in one process, are no loop.
function randomName(): string {
  return `gatelet-${Math.floor(Math.random() * 0x1_0000_0000)
    .toString(16)
    .padStart(8, '0')}`
}
