import { randomBytes } from 'node:crypto'
import type { ServerHttp2Stream } from 'node:http2'
import {
  type Body,
  type Client,
  type ClientView,
  canonicalize,
  canonicalizeHost,
  GatewayError,
  HeaderList,
  type IncomingRequest,
  isNamed,
  type RequestUrl,
} from '@gatelet/core'
import type { Adapter } from '../adapter.ts'
import type { ArrivedRequest } from '../base-exchange.ts'
import type { Connection } from '../connection.ts'
import { type RequestHead, readHead } from '../read-head.ts'
import { checkMessage, noHead, noUrl, noView } from '../request.ts'
import { StreamBody } from './stream-body.ts'

/**
 * A request of HTTP/2 as layers see it: as one of HTTP/1.1 would look, with `Host` and with one `Cookie`. A WebSocket handshake,
 * which is a CONNECT there (RFC 8441), is a GET with `Upgrade` and a key of our making, so that routes, layers and whoever answers
 * it need not know.
 */
export class StreamRequest implements IncomingRequest, ArrivedRequest {
  readonly method: string
  readonly target: string
  readonly headers: HeaderList
  readonly kind: 'request' | 'upgrade'
  readonly protocol = '2'
  readonly url: RequestUrl
  readonly client: Client
  readonly refusal: GatewayError | undefined
  readonly hasBody: boolean
  private readonly connection: Connection
  private readonly stream: ServerHttp2Stream
  private readonly head: RequestHead
  private readonly sendContinue: () => void
  private streamBody: StreamBody | undefined

  /** @param raw pseudo header fields among them, as they came */
  constructor(
    adapter: Adapter,
    connection: Connection,
    stream: ServerHttp2Stream,
    raw: readonly string[],
    maxHeaderBytes: number,
    sendContinue: () => void,
  ) {
    const { method, path, authority, protocol, fields } = split(raw)
    const isHandshake = method === 'CONNECT' && protocol === 'websocket'
    this.connection = connection
    this.stream = stream
    this.kind = isHandshake ? 'upgrade' : 'request'
    this.method = isHandshake ? 'GET' : method
    this.target = path
    this.headers = HeaderList.fromRaw(fields)
    this.hasBody = !stream.endAfterHeaders
    this.sendContinue = sendContinue
    this.head = noHead
    let view: ClientView = noView
    let url: RequestUrl = noUrl
    try {
      if (raw.length >= adapter.maxFields * 2 || bytesIn(raw) > maxHeaderBytes) throw new GatewayError('HEADERS_TOO_LARGE')
      checkMessage(this.method, path)
      this.head = readHead(fields, '1.1')
      if (this.head.isChunked) throw new GatewayError('BAD_FRAMING', { detail: 'HTTP/2 has no Transfer-Encoding' })
      const { path: canonicalPath, search } = canonicalize(originForm(path), adapter.paths)
      view = adapter.viewOf(connection, this)
      const { host, port } = adapter.hostOf(authorityOf(authority, this.head.host, view.scheme), view.scheme)
      url = { scheme: view.scheme, host, port, path: canonicalPath, search }
      if (this.head.host === undefined) fields.unshift('host', authority as string)
      if (isHandshake) this.becomeHandshake()
      checkExpectation(this.headers)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      this.refusal = error
    }
    this.client = view.client
    this.url = url
  }

  /** The socket that the connection stands on. */
  get socket(): Connection['socket'] {
    return this.connection.socket
  }

  get body(): Body {
    if (!this.hasBody || this.kind === 'upgrade') return null
    const expects = this.headers.has('expect')
    this.streamBody ??= new StreamBody(this.stream, this.head.contentLength, expects ? this.sendContinue : undefined)
    return this.streamBody
  }

  /** Whether the end of its body has not come yet. */
  get isArriving(): boolean {
    return this.hasBody && !this.stream.destroyed && this.stream.state.remoteClose !== 1
  }

  /** Whether a layer waits for the client to send more of the body. */
  get isAwaited(): boolean {
    return this.streamBody?.isAwaited === true && this.isArriving
  }

  /** Bytes of the body that were read. */
  get received(): number {
    return this.streamBody?.received ?? 0
  }

  // RFC 8441 §5: what the key and its answer are for, HTTP/2 does by itself.
  private becomeHandshake(): void {
    const isClosed = !this.hasBody
    if (isClosed || this.head.contentLength !== undefined)
      throw new GatewayError('UPGRADE_REFUSED', { detail: 'A WebSocket handshake has a stream that stays open, and no length' })
    this.headers.set('connection', 'Upgrade').set('upgrade', 'websocket')
    this.headers.set('sec-websocket-key', randomBytes(16).toString('base64'))
  }

  fail(error: Error): void {
    this.streamBody?.fail(error)
  }

  release(): void {
    this.streamBody?.fail(new GatewayError('CLIENT_CLOSED', { message: 'the reply was out before the request body was read' }))
    // What is left must not keep the stream open.
    if (this.hasBody && !this.stream.destroyed) this.stream.resume()
  }
}

// What the client is told in SETTINGS holds only when it has confirmed that, which it may never do.
function bytesIn(raw: readonly string[]): number {
  let bytes = 0
  for (const text of raw) bytes += text.length
  return bytes
}

interface Split {
  readonly method: string
  readonly path: string
  readonly authority: string | undefined
  /** RFC 8441: what is to be spoken on the stream. */
  readonly protocol: string | undefined
  /** Without the pseudo header fields; cookies in one field (RFC 9113 §8.2.3). */
  readonly fields: string[]
}

function split(raw: readonly string[]): Split {
  const pseudo = new Map<string, string>()
  const fields: string[] = []
  let cookieAt = -1
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    const value = raw[i + 1] as string
    if (name.startsWith(':')) {
      pseudo.set(name, value)
    } else if (cookieAt >= 0 && name === 'cookie') {
      fields[cookieAt] += `; ${value}`
    } else {
      fields.push(name, value)
      if (name === 'cookie') cookieAt = fields.length - 1
    }
  }
  return {
    method: pseudo.get(':method') ?? '',
    path: pseudo.get(':path') ?? '',
    authority: pseudo.get(':authority'),
    protocol: pseudo.get(':protocol'),
    fields,
  }
}

// RFC 9113 §8.3.1: the authority has a field of its own.
function originForm(path: string): string {
  if (!path.startsWith('/')) throw new GatewayError('BAD_TARGET', { detail: 'It must start with a slash' })
  return path
}

// RFC 9113 §8.3.1. A gateway before us may have looked at either, so they must agree.
function authorityOf(authority: string | undefined, host: string | undefined, scheme: 'http' | 'https'): string {
  const name = authority ?? host
  if (name === undefined) throw new GatewayError('BAD_HOST', { detail: 'There is no :authority' })
  if (authority === undefined || host === undefined) return name
  const [a, b] = [canonicalizeHost(authority, scheme), canonicalizeHost(host, scheme)]
  if (a.host !== b.host || a.port !== b.port)
    throw new GatewayError('BAD_HOST', { detail: 'The Host header and :authority name different hosts' })
  return name
}

function checkExpectation(headers: HeaderList): void {
  const expected = headers.get('expect')
  if (expected !== undefined && !isNamed(expected, '100-continue')) throw new GatewayError('EXPECTATION_FAILED')
}
