import { Readable } from 'node:stream'
import {
  type Body,
  type Check,
  type Checks,
  type Client,
  canonicalize,
  canonicalizeHost,
  checkOptions,
  HeaderList,
  type IncomingRequest,
  lengthOf,
  options,
  type PathOptions,
  type Source,
} from '@gatelet/core'

/** A request for a call in the same process. `'/path'` and `'GET /path'` are short for the first two. */
export interface CallRequest {
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
export type RequestLike = string | CallRequest

/**
 * The request as an adapter would hand it on.
 * @throws GatewayError `BAD_TARGET`, `BAD_HOST`, `BAD_HEADER`: what the edge refuses never reaches a handler; `BAD_OPTION`
 */
export function incomingRequest(like: RequestLike): IncomingRequest {
  const init = typeof like === 'string' ? parsed(like) : checkOptions('request', like, checks)
  if (init.json !== undefined && init.body != null) {
    throw wrong(init.json, 'json', 'left out where there is a body')
  }
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

function parsed(text: string): CallRequest {
  const [, method, url = text] = /^([^ /]+) (.*)$/.exec(text) ?? []
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

function headersOf(init: CallRequest, authority: string, body: Body): HeaderList {
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

function clientOf(client: CallRequest['client']): Client {
  const said = typeof client === 'string' ? { address: client } : client
  const address = said?.address ?? '127.0.0.1'
  return { address, peer: address, viaTrustedProxy: false, ...said }
}

const { boolean, either, oneOf, optional, shape, string, wrong } = options

const headers: Check<NonNullable<CallRequest['headers']>> = (value, path) => {
  if (typeof value !== 'object' || value === null) throw wrong(value, path, 'a list of pairs or an object of names and values')
  return value as NonNullable<CallRequest['headers']>
}

const body: Check<Body> = (value, path) => {
  const isBody = value === null || typeof value === 'string' || value instanceof Uint8Array || isStream(value)
  if (!isBody) throw wrong(value, path, 'null, a string, bytes, a Readable or a Source; use json for values')
  return value as Body
}

const json: Check<unknown> = (value, path) => {
  if (JSON.stringify(value) === undefined) throw wrong(value, path, 'a value that JSON has')
  return value
}

const isStream = (value: unknown) => value instanceof Readable || typeof (value as Partial<Source>).pipeTo === 'function'

const checks: Checks<CallRequest> = {
  method: optional(string),
  url: optional(string),
  headers: optional(headers),
  body: optional(body),
  json: optional(json),
  client: optional(
    either(
      'an address, or an object',
      string,
      shape<Partial<Client>>({ address: optional(string), peer: optional(string), viaTrustedProxy: optional(boolean) }),
    ),
  ),
  kind: optional(oneOf('request', 'upgrade')),
  protocol: optional(oneOf('1.0', '1.1', '2')),
  paths: optional(
    shape<PathOptions>({
      doubleSlash: optional(boolean),
      encodedSlash: optional(boolean),
      encodedBackslash: optional(boolean),
    }),
  ),
}
