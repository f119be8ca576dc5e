import type { ComingAttempt, Context, IncomingRequest } from '@gatelet/core'

type Attributes = Record<string, string | number | boolean>

/** The method as spans and metrics know it: whatever a client makes up is one, `_OTHER`. */
export function methodOf({ method }: Pick<IncomingRequest, 'method'>): string {
  return known.has(method) ? method : '_OTHER'
}

const known: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'],
])

// Clients write what they like: enough to tell them apart.
const MAX_TEXT = 512

/** Those of a server's span, as OpenTelemetry's conventions for HTTP name them. */
export function requestAttributes({ request }: Context, query: boolean): Attributes {
  const { method, url, client, headers, protocol } = request
  const agent = headers.get('user-agent')
  return {
    'http.request.method': methodOf(request),
    ...(methodOf(request) === method ? {} : { 'http.request.method_original': method.slice(0, MAX_TEXT) }),
    'url.scheme': url.scheme,
    'url.path': url.path,
    ...(query && url.search.length > 1 ? { 'url.query': redactedQuery(url.search.slice(1)) } : {}),
    ...(url.host === '' ? {} : { 'server.address': url.host, 'server.port': url.port ?? (url.scheme === 'https' ? 443 : 80) }),
    'client.address': client.address,
    'network.peer.address': client.peer,
    'network.protocol.version': protocol,
    ...(agent === undefined ? {} : { 'user_agent.original': agent.slice(0, MAX_TEXT) }),
  }
}

/** Those of a client's span. */
export function attemptAttributes(request: IncomingRequest, { origin, attempt }: ComingAttempt): Attributes {
  const base = origin.pathname === '/' ? '' : origin.pathname
  return {
    'http.request.method': methodOf(request),
    'server.address': origin.hostname,
    'server.port': Number(origin.port) || (origin.protocol === 'https:' ? 443 : 80),
    'url.full': `${origin.origin}${base}${request.url.path}`,
    ...(attempt > 0 ? { 'http.request.resend_count': attempt } : {}),
  }
}

/** A query without what signs or opens something. */
export function redactedQuery(query: string): string {
  return query
    .split('&')
    .map((part) => {
      const name = part.split('=', 1)[0] as string
      return name.length < part.length && opens.test(decoded(name)) ? `${name}=REDACTED` : part
    })
    .join('&')
}

// What signs a URL, as the conventions list it, and what is known to be a secret or to stand for one.
const opens = new RegExp(
  `^(?:${[
    'AWSAccessKeyId|Signature|sig|X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|code|key|api[_-]?key|auth|jwt|sid|session',
    '.*(?:token|secret|password|passwd|pwd|credential).*',
  ].join('|')})$`,
  'i',
)

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
