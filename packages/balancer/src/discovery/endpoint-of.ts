import { isIPv6 } from 'node:net'
import { type Checks, options } from '@gatelet/core'
import type { UrlEndpoint } from '../endpoint-options.ts'

/** How the endpoints of a source are spoken to. */
export interface SchemeOptions {
  /** Default `http`. For `https` the certificate is checked against the `host` that the proxy is given, not the address. */
  scheme?: 'http' | 'https'
  /** Put before the path of each request: `/v1`. Default: nothing. */
  path?: string
}

const path: options.Check<string> = (value, at) => {
  const isPath = typeof value === 'string' && /^\/[\w\-.~!$&'()*+,;=:@/]*$/.test(value)
  if (!isPath) throw options.wrong(value, at, 'a path such as /v1')
  return value
}

export const schemeChecks: Checks<SchemeOptions> = {
  scheme: options.optional(options.oneOf('http', 'https')),
  path: options.optional(path),
}

export const portNumber: options.Check<number> = options.number({ min: 1, max: 65_535, integer: true })

/** Where one endpoint is. */
export interface Place extends SchemeOptions {
  /** An address of either family, or a name. */
  host: string
  port: number
}

/**
 * The URL of a place. It need not be a right one: what a source says is checked where it is taken over. A host that is none, such
 * as `10.0.0.1/x`, makes no other URL of it, and a port that is none not that of the scheme.
 */
function urlAt({ scheme = 'http', host, port, path = '' }: Place): string {
  return `${scheme}://${isIPv6(host) ? `[${host}]` : encodeURIComponent(host)}:${port || 'none'}${path}`
}

/** What a source may say of an endpoint besides where it is. */
export type Traits = Pick<UrlEndpoint, 'weight' | 'priority' | 'zone' | 'metadata'>

/** An endpoint at a place. */
export function endpointAt(place: Place, traits: Traits = {}): UrlEndpoint {
  return { url: urlAt(place), ...traits }
}
