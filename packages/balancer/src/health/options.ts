import type { Buffer } from 'node:buffer'
import { type Check, type Checks, type Endpoint, type MaybePromise, options } from '@gatelet/core'
import type { Thresholds } from './record.ts'

/** When endpoints are checked, and what a result means. */
export interface CheckTiming {
  /** From the end of one check to the next, in milliseconds, at least 10. Default 5,000. */
  intervalMs?: number
  /** The same while the last check failed, or contradicted what is believed so far. Default 1,000, or `intervalMs` when that is less. */
  failingIntervalMs?: number
  /** The same while an endpoint gets no requests at all. Default: as `intervalMs`. */
  idleIntervalMs?: number
  /** How long a check may take, in milliseconds, at least 1. Default 2,000. */
  timeoutMs?: number
  /** By up to this share each interval is longer or shorter, drawn at random, 0 to 1: no two gateways keep step. Default 0.1. */
  jitter?: number
  /** So many checks in a row must pass until an unhealthy endpoint is healthy, 1 to 100. Default 2. The very first result counts at once. */
  rise?: number
  /** So many checks in a row must fail until a healthy endpoint is unhealthy, 1 to 100. Default 3. The very first result counts at once. */
  fall?: number
  /** What an endpoint is taken for before its first result. Default `healthy`: a gateway that just started serves at once. */
  assume?: 'healthy' | 'unhealthy'
  /** How many checks run at the same time, 1 to 10,000; more wait for their turn. Default 64. */
  concurrency?: number
}

/** TLS of checks, as `node:tls` takes it. */
export interface CheckTls {
  /** Certificates to trust instead of those that Node brings, in PEM. */
  ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Who we are, in PEM, where servers ask for it. */
  cert?: string | Uint8Array
  key?: string | Uint8Array
  passphrase?: string
  /** The name that the certificate must have. Default: the host. */
  servername?: string
  /** `false` takes any certificate. Default true. */
  rejectUnauthorized?: boolean
}

/** Asks over HTTP. Only for endpoints with a URL; redirects are not followed. */
export interface HttpCheckOptions extends CheckTiming {
  type?: 'http'
  /** From the root of the server, for example `/healthz`; the path in an endpoint's URL is not put before it. */
  path: string
  /** Default `GET`. */
  method?: 'GET' | 'HEAD' | 'OPTIONS'
  /** The `Host` header. Default: the endpoint's. */
  host?: string
  /** More headers. */
  headers?: Readonly<Record<string, string>>
  /** What counts as well: statuses, or classes of them. Default `['2xx']`. */
  status?: readonly (number | `${1 | 2 | 3 | 4 | 5}xx`)[]
  /** What the body must contain, or match. Default: the body is not looked at. */
  body?: string | RegExp
  /** How much of the body is read, in bytes, 1 to 16,777,216; what comes after is not looked at. Default 65,536. */
  maxBodyBytes?: number
  /** Default: the endpoint's. */
  port?: number
  /** For https. */
  tls?: CheckTls
  /** Whether the connection is kept for the next check. Default false: that a new one can be opened is a part of the check. */
  keepAlive?: boolean
}

/** Opens a TCP connection. Only for endpoints with a URL. */
export interface TcpCheckOptions extends CheckTiming {
  type: 'tcp'
  /** What is said first. Default: nothing. */
  send?: string | Uint8Array
  /** What must come within the first 65,536 bytes. Default: that the connection opens is enough. */
  expect?: string | Uint8Array
  /** Default: the endpoint's. */
  port?: number
  /** Speaks TLS. Default: plain, whatever the endpoint's URL says. */
  tls?: CheckTls | true
}

/** Asks `grpc.health.v1.Health/Check`, over HTTP/2 (https) or h2c (http, tcp). Only for endpoints with a URL. */
export interface GrpcCheckOptions extends CheckTiming {
  type: 'grpc'
  /** The service that must be `SERVING`. Default `''`: the server as a whole. */
  service?: string
  /** The `:authority`. Default: the endpoint's host and port. */
  host?: string
  /** Default: the endpoint's. */
  port?: number
  /** For https. */
  tls?: CheckTls
}

/** Whether an endpoint is well. What it throws counts as no, and is the reason that is shown. */
export type HealthCheck = (endpoint: Endpoint, init: { readonly signal: AbortSignal }) => MaybePromise<boolean>

/** Asks a function of your own: for endpoints of any kind. */
export interface CallCheckOptions extends CheckTiming {
  type: 'call'
  check: HealthCheck
}

/** How endpoints are checked. A function alone stands for `{ type: 'call', check }`. */
export type HealthOptions = HttpCheckOptions | TcpCheckOptions | GrpcCheckOptions | CallCheckOptions

/** `CheckTiming` with every default filled in. */
export interface TimingRules extends Thresholds {
  readonly intervalMs: number
  readonly failingIntervalMs: number
  readonly idleIntervalMs: number
  readonly timeoutMs: number
  readonly jitter: number
  readonly assume: 'healthy' | 'unhealthy'
  readonly concurrency: number
}

export function timingRules({ intervalMs = 5_000, ...given }: CheckTiming): TimingRules {
  const { failingIntervalMs = Math.min(1_000, intervalMs), idleIntervalMs = intervalMs, timeoutMs = 2_000 } = given
  const { jitter = 0.1, rise = 2, fall = 3, assume = 'healthy', concurrency = 64 } = given
  return { intervalMs, failingIntervalMs, idleIntervalMs, timeoutMs, jitter, rise, fall, assume, concurrency }
}

const { boolean, either, fn, list, milliseconds, number, oneOf, optional, record, shape, string, wrong } = options

const whole = (min: number, max: number): Check<number> => number({ min, max, integer: true })
const port: Check<number | undefined> = optional(whole(1, 65_535))

const timing: Checks<CheckTiming> = {
  intervalMs: optional(milliseconds(10)),
  failingIntervalMs: optional(milliseconds(10)),
  idleIntervalMs: optional(milliseconds(10)),
  timeoutMs: optional(milliseconds()),
  jitter: optional(number({ min: 0, max: 1 })),
  rise: optional(whole(1, 100)),
  fall: optional(whole(1, 100)),
  assume: optional(oneOf('healthy', 'unhealthy')),
  concurrency: optional(whole(1, 10_000)),
}

const bytes: Check<string | Uint8Array> = (value, path) => {
  const isRight = (typeof value === 'string' || value instanceof Uint8Array) && value.length > 0
  if (!isRight) throw wrong(value, path, 'a string or bytes, not empty')
  return value
}

const tls = shape<CheckTls>({
  ca: optional(either('PEM, or a list of it', bytes, list(bytes, { min: 1 }))),
  cert: optional(bytes),
  key: optional(bytes),
  passphrase: optional(string),
  servername: optional(string),
  rejectUnauthorized: optional(boolean),
})

const path: Check<string> = (value, path) => {
  const isPath = typeof value === 'string' && /^\/[!-~]*$/.test(value) && !value.includes('#')
  if (!isPath) throw wrong(value, path, 'a path that begins with /, in ASCII without spaces')
  return value
}

const header: Check<string> = (value, path) => {
  if (typeof value !== 'string' || !/^[\t -~]*$/.test(value)) throw wrong(value, path, 'a header value, in ASCII')
  return value
}

const headers: Check<Readonly<Record<string, string>>> = (value, path) => {
  const checked = record(header)(value, path)
  const odd = Object.keys(checked).find((name) => !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
  if (odd !== undefined) throw wrong(odd, path, 'an object whose names are header names')
  return checked
}

const classes = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const

const http: Checks<HttpCheckOptions> = {
  ...timing,
  type: optional(oneOf('http')),
  path,
  method: optional(oneOf('GET', 'HEAD', 'OPTIONS')),
  host: optional(header),
  headers: optional(headers),
  status: optional(
    list(either('a status from 200 to 599, or a class such as 2xx', whole(200, 599), oneOf(...classes)), { min: 1 }),
  ),
  body: optional((value, path) => {
    if (!(value instanceof RegExp) && (typeof value !== 'string' || value === ''))
      throw wrong(value, path, 'a string or a RegExp')
    return value
  }),
  maxBodyBytes: optional(whole(1, 16_777_216)),
  port,
  tls: optional(tls),
  keepAlive: optional(boolean),
}

const tcp: Checks<TcpCheckOptions> = {
  ...timing,
  type: oneOf('tcp'),
  send: optional(bytes),
  expect: optional(bytes),
  port,
  tls: optional(either('an object, or true', oneOf(true), tls)),
}

const grpc: Checks<GrpcCheckOptions> = {
  ...timing,
  type: oneOf('grpc'),
  service: optional((value, path) => {
    if (typeof value !== 'string' || value.length > 1_000) throw wrong(value, path, 'a string of at most 1000 characters')
    return value
  }),
  host: optional(header),
  port,
  tls: optional(tls),
}

const call: Checks<CallCheckOptions> = {
  ...timing,
  type: oneOf('call'),
  check: fn<HealthCheck>('a function (endpoint, { signal }) => boolean'),
}

/** What `health` must be. */
export const healthCheck: Check<HealthOptions> = (value, path) => {
  if (typeof value === 'function') return { type: 'call', check: value as HealthCheck }
  if (typeof value !== 'object' || value === null) throw wrong(value, path, 'an object with path or type, or a function')
  const { type = 'http' } = value as { type?: unknown }
  const kind = `${path}.type`
  switch (oneOf('http', 'tcp', 'grpc', 'call')(type, kind)) {
    case 'tcp':
      return shape(tcp)(value, path)
    case 'grpc':
      return shape(grpc)(value, path)
    case 'call':
      return shape(call)(value, path)
    default:
      return withoutContradiction(shape(http)(value, path), path)
  }
}

function withoutContradiction(checked: HttpCheckOptions, path: string): HttpCheckOptions {
  if (checked.method === 'HEAD' && checked.body !== undefined)
    throw wrong(checked.method, `${path}.method`, 'one that gets a body, where one is expected')
  return checked
}

/** What `node:tls` takes. */
export interface TlsSettings {
  ca?: string | Buffer | (string | Buffer)[]
  cert?: string | Buffer
  key?: string | Buffer
  passphrase?: string
  servername?: string
  rejectUnauthorized?: boolean
}

/** The same as `node:tls` takes it: its types know no read-only lists and no plain bytes. */
export const tlsSettings = (given: CheckTls | true | undefined): TlsSettings =>
  given === undefined || given === true ? {} : (given as TlsSettings)
