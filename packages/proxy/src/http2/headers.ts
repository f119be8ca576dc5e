import type { OutgoingHttpHeaders } from 'node:http2'
import { isHopByHop } from '@gatelet/core'

/**
 * The head of a request as Node's http2 takes it (RFC 9113 §8.3.1): the host as authority, names in lower case, nothing that
 * speaks of a connection but `TE: trailers`. Several fields of a name that there can be one of are joined, as layers see them.
 * @param raw flat: name, value, name, value, …
 * @param host what stands for `Host` where there is none
 */
export function requestFields(raw: readonly string[], host: string): OutgoingHttpHeaders {
  const fields: Record<string, string | string[]> = Object.create(null)
  fields[':authority'] = host
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase()
    const value = raw[i + 1] as string
    if (name === 'host') fields[':authority'] = value
    else if (name === 'te') fields[name] = 'trailers'
    else if (!isHopByHop(name) && name !== 'http2-settings') add(fields, name, value)
  }
  return fields
}

function add(fields: Record<string, string | string[]>, name: string, value: string): void {
  const known = fields[name]
  if (known === undefined) fields[name] = value
  else if (Array.isArray(known)) known.push(value)
  else if (single.has(name)) fields[name] = `${known}, ${value}`
  else fields[name] = [known, value]
}

/** What an upstream sent, without its pseudo header fields, as undici's parser would hand it over. */
export function answeredFields(raw: readonly string[]): Buffer[] {
  const fields: Buffer[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (!name.startsWith(':')) fields.push(Buffer.from(name, 'latin1'), Buffer.from(raw[i + 1] as string, 'latin1'))
  }
  return fields
}

// Node refuses to send more than one of these.
const single: ReadonlySet<string> = new Set([
  ...['access-control-max-age', 'access-control-request-method', 'age', 'authorization', 'content-encoding', 'content-language'],
  ...['content-length', 'content-location', 'content-md5', 'content-range', 'content-type', 'date', 'dnt', 'etag', 'expires'],
  ...['from', 'if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'last-modified', 'location'],
  ...['max-forwards', 'range', 'referer', 'retry-after', 'tk', 'upgrade-insecure-requests', 'user-agent'],
  ...['access-control-allow-credentials', 'x-content-type-options'],
])
