import { type Check, type Checks, type Handler, options } from '@gatelet/core'

/** An endpoint that is reached over the network. */
export interface UrlEndpoint {
  /** An http or https URL, whose path is put before the path of each request; or `tcp://host:port`, for `tcpBalancer`. */
  url: string | URL
  /** Unique in its balancer. Default: the URL's origin and path, for example `http://10.0.0.1:8080` or `http://10.0.0.1:8080/v1`. */
  id?: string
  /** Its share of the traffic relative to the others, 0 to 1,000,000, fractions allowed. Default 1; 0 takes no requests. */
  weight?: number
  /**
   * Its tier: those with the lowest number come first, the next ones as far as these are not enough. A whole number, 0 to
   * 1,000,000. Default 0.
   */
  priority?: number
  /** Requests in flight at most, 1 to 1,000,000. Default: the balancer's `limits.perEndpoint`. */
  maxInflight?: number
  /** Where it stands, for example `eu-west-1a`. Default: unknown. */
  zone?: string
  /** For strategies and for people: price, version. Copied and frozen. Default: none. */
  metadata?: Readonly<Record<string, unknown>>
  /** The path of a Unix socket to connect to; the URL then says only scheme, `Host` and path. */
  socketPath?: string
}

/** An endpoint that is a function in this process: serverless code, a fallback, a database. */
export interface HandlerEndpoint {
  handler: Handler
  /** Unique in its balancer. */
  id: string
  /** As for `UrlEndpoint`: 0 to 1,000,000, default 1. */
  weight?: number
  /** As for `UrlEndpoint`: 0 to 1,000,000, default 0. */
  priority?: number
  /** As for `UrlEndpoint`: 1 to 1,000,000. */
  maxInflight?: number
  /** As for `UrlEndpoint`. */
  zone?: string
  /** As for `UrlEndpoint`. */
  metadata?: Readonly<Record<string, unknown>>
}

/** An endpoint that is anything else, a database pool or a client for example, for `balancer.run`. It answers no requests. */
export interface ValueEndpoint<V> {
  value: V
  /** Unique in its balancer. */
  id: string
  /** As for `UrlEndpoint`: 0 to 1,000,000, default 1. */
  weight?: number
  /** As for `UrlEndpoint`: 0 to 1,000,000, default 0. */
  priority?: number
  /** As for `UrlEndpoint`: 1 to 1,000,000. */
  maxInflight?: number
  /** As for `UrlEndpoint`. */
  zone?: string
  /** As for `UrlEndpoint`. */
  metadata?: Readonly<Record<string, unknown>>
}

/**
 * What can be given as an endpoint. A URL alone stands for `{ url }`. In one balancer, either all are values or none is: then
 * `V` is what `run` hands out.
 */
export type EndpointInit<V = URL | Handler> = string | URL | UrlEndpoint | HandlerEndpoint | ValueEndpoint<V>

// A value of whatever type: only the types of `run` know which.
type AnyValue = URL | Handler

/** An endpoint that was checked, with its defaults. */
export type EndpointSpec = {
  readonly id: string
  readonly weight: number
  readonly priority: number
  readonly maxInflight?: number
  readonly zone?: string
  readonly metadata: Readonly<Record<string, unknown>>
} & ({ readonly url: URL; readonly socketPath?: string } | { readonly handler: Handler } | { readonly value: AnyValue })

const { anything, fn, httpUrl, list, number, optional, record, shape, string, wrong } = options

/** A weight: 0 to 1,000,000. */
export const weight: Check<number> = number({ min: 0, max: 1_000_000 })

const share = {
  weight: optional(weight),
  priority: optional(number({ min: 0, max: 1_000_000, integer: true })),
  maxInflight: optional(number({ min: 1, max: 1_000_000, integer: true })),
  zone: optional(string),
  metadata: optional(record(anything)),
}

const anyUrl: Check<URL> = (value, path) => {
  if (!/^tcp:/i.test(String(value))) return httpUrl(value, path)
  const url = URL.canParse(String(value)) ? new URL(String(value)) : undefined
  const isBare = url && url.port !== '' && url.hostname !== '' && url.href.replace(/\/$/, '') === `tcp://${url.host}`
  if (!isBare) throw wrong(value, path, 'tcp://host:port, with nothing else')
  return url
}

const urlChecks: Checks<CheckedUrlEndpoint> = { url: anyUrl, id: optional(string), ...share, socketPath: optional(string) }

const handlerChecks: Checks<HandlerEndpoint> = { handler: fn<Handler>('a handler, (ctx) => Reply'), id: string, ...share }

const something: Check<AnyValue> = (value, path) => {
  if (value === undefined) throw wrong(value, path, 'anything that can be used, such as a client')
  return value as AnyValue
}

const valueChecks: Checks<ValueEndpoint<AnyValue>> = { value: something, id: string, ...share }

/** An endpoint in any of its forms. */
export const endpoint: Check<EndpointSpec> = (value, path) => {
  if (typeof value === 'string' || value instanceof URL) return urlSpec({ url: anyUrl(value, path) })
  if (typeof value !== 'object' || value === null)
    throw wrong(value, path, 'a URL, { url, … }, { handler, id, … } or { value, id, … }')
  if ('value' in value) return filled(shape(valueChecks)(value, path))
  if (!('handler' in value)) return urlSpec(shape(urlChecks)(value, path))
  return filled(shape(handlerChecks)(value, path))
}

/** A list of endpoints, no two with the same id; all of them values, or none. */
export const endpoints: Check<readonly EndpointSpec[]> = (value, path) => {
  const specs = list(endpoint, { max: 100_000 })(value, path)
  const odd = specs.findIndex((spec) => 'value' in spec !== 'value' in (specs[0] ?? spec))
  if (odd >= 0) throw wrong(specs[odd]?.id, `${path}[${odd}]`, 'a value, as the others are, or all of them none')
  const firstAt = new Map<string, number>()
  for (const [at, { id }] of specs.entries()) {
    const first = firstAt.get(id)
    if (first !== undefined) throw wrong(id, `${path}[${at}]`, `an endpoint with an id other than that of ${path}[${first}]`)
    firstAt.set(id, at)
  }
  return specs
}

interface CheckedUrlEndpoint extends UrlEndpoint {
  url: URL
}

function urlSpec({ id, ...given }: CheckedUrlEndpoint): EndpointSpec {
  return filled({ id: id ?? idOf(given.url), ...given })
}

function filled<E extends { metadata?: EndpointSpec['metadata'] }>(given: E) {
  return { weight: 1, priority: 0, ...given, metadata: Object.freeze(given.metadata ?? {}) }
}

function idOf({ protocol, host, origin, pathname }: URL): string {
  // Node gives such a URL no origin.
  if (protocol === 'tcp:') return `tcp://${host}`
  return pathname === '/' ? origin : origin + pathname
}
