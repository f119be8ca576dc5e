import type { Body } from './body.ts'
import type { Client, IncomingRequest, RequestChange, RequestUrl } from './contract.ts'
import { asError, GatewayError } from './errors.ts'
import { type HeaderList, isNamed, type ReadonlyHeaders } from './headers.ts'
import { canonicalizePath, checkedSearch } from './target.ts'

/** A request that asks something else than `request` does. */
export function changedRequest(request: IncomingRequest, change: RequestChange): IncomingRequest {
  return new ChangedRequest(request, change)
}

/** The same request without its body, as for a refresh in the background. */
export function withoutBody(request: IncomingRequest): IncomingRequest {
  return new ChangedRequest(request, { body: null })
}

/** The request as its adapter made it, whatever layers have changed since. For adapters. */
export function originalOf(request: IncomingRequest): IncomingRequest {
  return request instanceof ChangedRequest ? request.first : request
}

class ChangedRequest implements IncomingRequest {
  readonly method: string
  readonly url: RequestUrl
  readonly target: string
  readonly client: Client
  readonly kind: 'request' | 'upgrade'
  readonly protocol: '1.0' | '1.1' | '2'
  readonly headers: ReadonlyHeaders
  /** Not itself a changed one. */
  readonly first: IncomingRequest
  private readonly original: IncomingRequest
  private readonly changedBody: Body | undefined

  constructor(original: IncomingRequest, change: RequestChange) {
    this.original = original
    this.first = originalOf(original)
    this.method = change.method ?? original.method
    this.url = change.url ? changedUrl(original.url, change.url) : original.url
    this.target = original.target
    this.client = original.client
    this.kind = original.kind
    this.protocol = original.protocol
    this.changedBody = change.body
    if (change.headers) this.headers = change.headers
    else this.headers = change.body === undefined ? original.headers : withoutFraming(original.headers)
  }

  // A getter, since asking an adapter for the body may be what starts it.
  get body(): Body {
    return this.changedBody === undefined ? this.original.body : this.changedBody
  }
}

// Field by field: an adapter's url may be an object with getters, of which a spread copies nothing.
function changedUrl(url: RequestUrl, change: Partial<RequestUrl>): RequestUrl {
  const { scheme = url.scheme, host = url.host, path = url.path, search = url.search } = change
  return {
    scheme,
    host,
    port: 'port' in change ? change.port : url.port,
    path: path === url.path ? path : ofLayer(() => canonicalizePath(path, anyPath)),
    search: search === url.search ? search : ofLayer(() => checkedSearch(search)),
  }
}

// Not BAD_TARGET: the client would be told that it sent what a layer wrote.
function ofLayer(checked: () => string): string {
  try {
    return checked()
  } catch (cause) {
    const message = `A layer asks for what is no path or query: ${asError(cause).message}`
    throw new GatewayError('CHANGE_REFUSED', { message, cause })
  }
}

// Whoever rewrites may use what the edge refused from a client.
const anyPath = { doubleSlash: true, encodedSlash: true, encodedBackslash: true }

const framing = ['content-length', 'transfer-encoding', 'content-encoding', 'expect']

function withoutFraming(headers: ReadonlyHeaders): HeaderList {
  const kept = headers.clone()
  for (const name of framing) kept.delete(name)
  return kept
}

/** Whether a header list has a field of that name with that value in its list, ignoring the case of both. */
export function hasToken(headers: ReadonlyHeaders, name: string, token: string): boolean {
  const wanted = token.toLowerCase()
  return headers.getAll(name).some((value) => value.split(',').some((part) => isNamed(part.trim(), wanted)))
}
