import type { IncomingMessage } from 'node:http'
import {
  type Body,
  type CanonicalHost,
  type CanonicalTarget,
  type Client,
  type ClientView,
  canonicalizeHost,
  GatewayError,
  HeaderList,
  type IncomingRequest,
  type ReadonlyHeaders,
  type RequestUrl,
  withoutNominated,
} from '@gatelet/core'
import type { ArrivedRequest } from './base-exchange.ts'
import type { Connection } from './connection.ts'
import { type RequestHead, readHead } from './read-head.ts'
import { RequestBody } from './request-body.ts'

// A body of which no more than this can be left is read to its end, so that the connection goes on; beyond it is closed.
const SMALL_BODY_BYTES = 65_536

/** How requests are read: what differs between a server and a framework. */
export interface RequestReader {
  /** A request with so many header fields may have lost some to the parser. */
  readonly maxFields: number
  /** @throws GatewayError `BAD_TARGET` */
  canonicalOf(req: IncomingMessage): CanonicalTarget
  viewOf(connection: Connection, request: IncomingRequest): ClientView
  /** @throws GatewayError `BAD_HOST` */
  hostOf(value: string, scheme: 'http' | 'https'): CanonicalHost
}

type KeptOfRequest = Pick<IncomingMessage, 'socket' | 'rawHeaders' | 'complete'>

/** A request of Node's parser as layers see it. What costs something is made when it is first asked for. */
export class NodeRequest implements IncomingRequest, ArrivedRequest {
  readonly method: string
  readonly target: string
  readonly kind: 'request' | 'upgrade'
  readonly protocol: '1.0' | '1.1'
  readonly url: RequestUrl
  readonly client: Client
  /** Why no layer may see it. */
  readonly refusal: GatewayError | undefined
  private req: IncomingMessage | KeptOfRequest
  private readonly head: RequestHead
  private readonly sendContinue: (() => void) | undefined
  private headerList: HeaderList | undefined
  private requestBody: RequestBody | undefined

  constructor(
    reader: RequestReader,
    connection: Connection,
    req: IncomingMessage,
    kind: 'request' | 'upgrade',
    sendContinue?: (() => void) | undefined,
    target: string = req.url as string,
  ) {
    this.req = req
    this.kind = kind
    this.method = req.method as string
    this.target = target
    this.protocol = req.httpVersion === '1.0' ? '1.0' : '1.1'
    this.sendContinue = sendContinue
    this.head = noHead
    let view = noView
    let url = noUrl
    try {
      checkParsed(req, reader.maxFields)
      checkMessage(this.method, req.url as string)
      this.head = readHead(req.rawHeaders, this.protocol)
      if (kind === 'upgrade') checkHandshake(this)
      view = reader.viewOf(connection, this)
      url = urlOf(this, reader.canonicalOf(req), this.head.host, view.scheme, reader)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      this.refusal = error
    }
    this.client = view.client
    this.url = url
  }

  /** The socket that it came on. */
  get socket(): IncomingMessage['socket'] {
    return this.req.socket
  }

  get headers(): ReadonlyHeaders {
    this.headerList ??= this.readHeaders()
    return this.headerList
  }

  get body(): Body {
    if (!this.hasBody || this.kind === 'upgrade') return null
    // Only that of a handshake is let go, which has no body.
    this.requestBody ??= new RequestBody(this.req as IncomingMessage, this.head.contentLength, this.sendContinue)
    return this.requestBody
  }

  get hasBody(): boolean {
    return this.head.isChunked || (this.head.contentLength ?? 0) > 0
  }

  /** Whether the end of its body has not come yet. */
  get isArriving(): boolean {
    return this.kind === 'request' && this.hasBody && !this.req.complete
  }

  /** Whether so much of the body may still come that nobody wants to wait for it. */
  get hasLongRest(): boolean {
    return this.isArriving && (this.head.isChunked || (this.head.contentLength ?? 0) > SMALL_BODY_BYTES)
  }

  /** Whether a layer waits for the client to send more of the body. */
  get isAwaited(): boolean {
    return this.requestBody?.isAwaited === true
  }

  /** Bytes of the body that were read. */
  get received(): number {
    return this.requestBody?.received ?? 0
  }

  /** Node's own request is not needed any more; what layers may ask for is kept. */
  letGo(): void {
    const { socket } = this
    this.headerList ??= this.readHeaders()
    this.req = { socket, rawHeaders: noFields, complete: true }
  }

  /** The rest of the body will not come. */
  fail(error: Error): void {
    this.requestBody?.fail(error)
  }

  /** Nobody reads the body any more. */
  release(): void {
    this.requestBody?.release()
  }

  private readHeaders(): HeaderList {
    const { rawHeaders } = this.req
    return HeaderList.fromRaw(this.head.nominates ? withoutNominated(rawHeaders) : rawHeaders)
  }
}

const noFields: string[] = []

/** What stands for a head, a view and a url that could not be read. */
export const noHead: RequestHead = { host: undefined, contentLength: undefined, isChunked: false, nominates: false }
export const noView: ClientView = { client: { address: '', peer: '', viaTrustedProxy: false }, scheme: 'http' }
export const noUrl: RequestUrl = { scheme: 'http', host: '', port: undefined, path: '/', search: '' }

function checkParsed(req: IncomingMessage, maxFields: number): void {
  if (req.rawHeaders.length >= maxFields * 2) throw new GatewayError('HEADERS_TOO_LARGE')
  // The parser also takes 0.9, which has no headers and no status, and 2.0 in the form of 1.1.
  if (req.httpVersion !== '1.1' && req.httpVersion !== '1.0')
    throw new GatewayError('BAD_REQUEST', { detail: 'HTTP/1.0 and HTTP/1.1 are spoken here' })
}

/**
 * Refuses what is done for no path at all. Not by 405: its `Allow` is the list of one resource (RFC 9110 §15.5.6), which only
 * routes know.
 * @throws GatewayError `METHOD_NOT_IMPLEMENTED`
 */
export function checkMessage(method: string, target: string): void {
  const isForNobody = method === 'TRACE' || method === 'CONNECT' || (method === 'OPTIONS' && target === '*')
  if (isForNobody) throw new GatewayError('METHOD_NOT_IMPLEMENTED')
}

// What the parser let go is all that follows, read by nobody as HTTP: a body in it could be taken for the next request.
function checkHandshake({ method, hasBody }: NodeRequest): void {
  if (method !== 'GET' || hasBody)
    throw new GatewayError('UPGRADE_REFUSED', { detail: 'A WebSocket handshake is a GET without a body' })
}

function urlOf(
  { protocol }: NodeRequest,
  { path, search, authority, scheme: targetScheme }: CanonicalTarget,
  given: string | undefined,
  scheme: 'http' | 'https',
  reader: RequestReader,
): RequestUrl {
  if (given === undefined && protocol === '1.1') throw new GatewayError('BAD_HOST', { detail: 'There is no Host header' })
  const name = given ?? authority
  const { host, port } = name === undefined ? noUrl : reader.hostOf(name, scheme)
  if (authority !== undefined) checkAuthority(authority, given, targetScheme ?? scheme)
  return { scheme, host, port, path, search }
}

// RFC 9112 §3.2.2 lets an absolute target win over Host. A gateway before us may have looked at either, so they must agree.
function checkAuthority(authority: string, given: string | undefined, scheme: 'http' | 'https'): void {
  const wanted = canonicalizeHost(authority, scheme)
  const { host, port } = given === undefined ? wanted : canonicalizeHost(given, scheme)
  if (host !== wanted.host || port !== wanted.port)
    throw new GatewayError('BAD_HOST', { detail: 'The Host header and the request target name different hosts' })
}
