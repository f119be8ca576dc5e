import {
  type Body,
  type Client,
  canonicalize,
  canonicalizeHost,
  GatewayError,
  HeaderList,
  type IncomingRequest,
  isNamed,
  type ReadonlyHeaders,
  type RequestUrl,
  withoutNominated,
} from '@gatelet/core'
import { announcedLength } from './head.ts'
import type { FetchHost } from './host.ts'
import { WebSource } from './web-source.ts'

/** A web `Request` as layers see it. */
export class FetchRequest implements IncomingRequest {
  readonly method: string
  readonly target: string
  readonly kind: 'request' | 'upgrade'
  // A `Request` does not say. Nothing is lost by 1.1: the host frames what we answer.
  readonly protocol = '1.1'
  readonly headers: ReadonlyHeaders
  readonly url: RequestUrl
  readonly client: Client
  /** Why no layer may see it. */
  readonly refusal: unknown
  private readonly request: Request
  private source: WebSource | undefined

  constructor(host: FetchHost, request: Request, env: unknown) {
    const { method, url } = request
    this.request = request
    this.method = method
    this.target = url.slice(url.indexOf('/', url.indexOf('//') + 2))
    let headers = new HeaderList()
    let view = { client: nobody, url: nowhere }
    try {
      headers = headersOf(request)
      checkMethod(method)
      view = viewOf(host, headers, request, env)
    } catch (error) {
      this.refusal = error
    }
    this.headers = headers
    this.kind = isNamed(headers.get('upgrade') ?? '', 'websocket') ? 'upgrade' : 'request'
    this.client = view.client
    this.url = view.url
  }

  get body(): Body {
    this.source ??= this.sourceOfBody()
    return this.source ?? null
  }

  /** Bytes of the body that were read. */
  get received(): number {
    return this.source?.received ?? 0
  }

  /** Whether somebody waits for more of the body. */
  get isBeingRead(): boolean {
    return this.source?.isBeingRead === true
  }

  /** The rest of the body will not come, or nobody may read it any more. */
  release(reason: GatewayError): void {
    this.source?.release(reason)
  }

  private sourceOfBody(): WebSource | undefined {
    // Asked first: a host may make its whole `Request` only when its body is wanted.
    if (this.method === 'GET' || this.method === 'HEAD' || this.kind === 'upgrade') return undefined
    const length = announcedLength(this.headers)
    if (length === 0 || this.request.body === null) return undefined
    // Not cancelled: a host may close the connection then, and the reply could not be sent. It deals with the rest itself.
    return new WebSource(this.request.body, { failureOf: brokenOff, isCancelled: false, length })
  }
}

const nobody: Client = { address: '', peer: '', viaTrustedProxy: false }
const nowhere: RequestUrl = { scheme: 'http', host: '', port: undefined, path: '/', search: '' }

const brokenOff = (cause: unknown) => new GatewayError('CLIENT_CLOSED', { cause })

// A host may have made the fields an object of its own, which reads them only now.
function headersOf({ headers, url }: Request): HeaderList {
  const raw: string[] = []
  // Not every host has it: Workers and code that makes a `Request` by itself leave it to the URL.
  if (!headers.has('host')) raw.push('host', authorityOf(url))
  for (const [name, value] of headers) raw.push(name, value)
  return HeaderList.fromRaw(withoutNominated(raw))
}

const authorityOf = (url: string): string => /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? ''

function checkMethod(method: string): void {
  if (method === 'TRACE' || method === 'CONNECT') throw new GatewayError('METHOD_NOT_IMPLEMENTED')
}

/** @throws GatewayError `BAD_TARGET`, `BAD_HOST`; what the host's own functions throw */
function viewOf(host: FetchHost, headers: HeaderList, request: Request, env: unknown): { client: Client; url: RequestUrl } {
  const { client: clientOf, paths } = host.settings
  const { path, search, scheme: own = 'http' } = canonicalize(request.url, paths)
  const connection = { address: clientOf(request, env) ?? '', encrypted: own === 'https' }
  const { client, scheme } = host.resolveClient(connection, headers)
  const { host: name, port } = canonicalizeHost(headers.get('host') as string, scheme)
  return { client, url: { scheme, host: name, port, path, search } }
}
