import {
  type Body,
  type Client,
  canonicalize,
  canonicalizeHost,
  HeaderList,
  type IncomingRequest,
  lengthOf,
  type PathOptions,
} from '@gatelet/core'

/** A request for a call in the same process. `'/path'` and `'GET /path'` are short for the first two. */
export interface RequestInit {
  /** Default: `GET`; `POST` when there is a body. */
  method?: string
  /** `/path?query`, or `https://host/path?query` to say scheme and host. Default: `/`. */
  url?: string
  /** `Host` is added, and the framing of the body, where they are not given. */
  headers?: Iterable<readonly [name: string, value: string]> | Readonly<Record<string, string>>
  body?: Body
  /** A value to send as JSON, with its content type; instead of `body`. */
  json?: unknown
  /** Who calls: an address, or more about it. Default: `127.0.0.1`. */
  client?: string | Partial<Client>
  /** `upgrade` adds the headers of a WebSocket handshake where they are not given. */
  kind?: 'request' | 'upgrade'
  protocol?: '1.0' | '1.1' | '2'
  /** Which doubtful paths are let through. */
  paths?: PathOptions
}

/** Any way to say what is asked. */
export type RequestLike = string | RequestInit

/**
 * The request as an adapter would hand it on.
 * @throws GatewayError `BAD_TARGET`, `BAD_HOST`, `BAD_HEADER`: what the edge refuses never reaches a handler
 */
export function incomingRequest(like: RequestLike): IncomingRequest {
  const init = typeof like === 'string' ? parsed(like) : like
  const { scheme, authority, target } = splitUrl(init.url ?? '/')
  const body = init.json === undefined ? (init.body ?? null) : JSON.stringify(init.json)
  const headers = headersOf(init, authority, body)
  const { path, search } = canonicalize(target, init.paths)
  const { host, port } = canonicalizeHost(headers.get('host') ?? authority, scheme)
  return {
    method: init.method ?? (body === null ? 'GET' : 'POST'),
    url: { scheme, host, port, path, search },
    target,
    headers,
    body,
    client: clientOf(init.client),
    kind: init.kind ?? 'request',
    protocol: init.protocol ?? '1.1',
  }
}

function parsed(text: string): RequestInit {
  const [, method, url = text] = /^([A-Z]+) (.*)$/.exec(text) ?? []
  return method === undefined ? { url } : { method, url }
}

function splitUrl(url: string): { scheme: 'http' | 'https'; authority: string; target: string } {
  const [, scheme, authority = 'localhost', rest = url] = /^(https?):\/\/([^/?#]*)(.*)$/.exec(url) ?? []
  return {
    scheme: scheme === 'https' ? 'https' : 'http',
    authority,
    target: rest.startsWith('?') || rest === '' ? `/${rest}` : rest,
  }
}

function headersOf(init: RequestInit, authority: string, body: Body): HeaderList {
  const headers = new HeaderList(init.headers)
  const missing = (name: string, value: string) => {
    if (!headers.has(name)) headers.set(name, value)
  }
  missing('host', authority)
  if (init.json !== undefined) missing('content-type', 'application/json')
  if (init.kind === 'upgrade') {
    missing('connection', 'Upgrade')
    missing('upgrade', 'websocket')
    missing('sec-websocket-version', '13')
    missing('sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==')
  }
  if (body !== null && !headers.has('content-length') && !headers.has('transfer-encoding')) {
    const length = lengthOf(body)
    if (length === undefined) headers.set('transfer-encoding', 'chunked')
    else headers.set('content-length', String(length))
  }
  return headers
}

function clientOf(client: RequestInit['client']): Client {
  const said = typeof client === 'string' ? { address: client } : client
  const address = said?.address ?? '127.0.0.1'
  return { address, peer: address, viaTrustedProxy: false, ...said }
}
