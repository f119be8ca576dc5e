import { validateHeaderName, validateHeaderValue } from 'node:http'
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { GatewayError } from '@gatelet/core'
import type { ReplyOutput } from '../streamed-reply.ts'

/** The reply's side of a stream of HTTP/2: what of a response carries head, body and trailers. */
export class StreamOutput implements ReplyOutput {
  /** Bytes of the body that were written. */
  sent = 0
  writableEnded = false
  private readonly stream: ServerHttp2Stream
  private head: OutgoingHttpHeaders = {}
  private mayTrail = false
  private trailers: OutgoingHttpHeaders = {}
  private awaitsTrailers = false
  private isClosing = false

  constructor(stream: ServerHttp2Stream) {
    this.stream = stream
  }

  get headersSent(): boolean {
    return this.stream.headersSent
  }

  /**
   * Takes the head; it leaves with the first byte, or with the end.
   * @param mayTrail whether trailers can follow the body
   * @throws GatewayError `BAD_HEADER`
   */
  setHead(status: number, raw: readonly string[], mayTrail: boolean): void {
    this.head = { ...fieldsOf(raw), ':status': status }
    this.mayTrail = mayTrail
  }

  write(chunk: Uint8Array): boolean {
    if (!this.opens(false)) return true
    this.sent += chunk.byteLength
    return this.stream.write(chunk)
  }

  end(chunk?: Uint8Array): void {
    this.writableEnded = true
    const isEmpty = !chunk && !this.stream.headersSent && !this.mayTrail
    if (!this.opens(isEmpty) || isEmpty) return
    if (chunk) this.sent += chunk.byteLength
    if (chunk) this.stream.end(chunk)
    else this.stream.end()
  }

  flushHeaders(): void {
    this.opens(false)
  }

  addTrailers(trailers: [string, string][]): void {
    this.trailers = fieldsOf(trailers.flat())
  }

  /** Ends the stream although the client may still send: when the reply is out, its trailers too, which may leave after 'finish'. */
  close(): void {
    if (this.awaitsTrailers) this.isClosing = true
    else if (this.mayTrail) this.closeLater()
    else this.stream.close(constants.NGHTTP2_NO_ERROR)
  }

  /** Sends the head, if it has not left. @returns whether more can be written: a stream that is closed takes nothing */
  private opens(isWhole: boolean): boolean {
    const { stream, mayTrail } = this
    if (stream.destroyed || stream.closed) return false
    if (stream.headersSent) return true
    try {
      stream.respond(this.head, { endStream: isWhole, waitForTrailers: mayTrail })
    } catch (cause) {
      throw new GatewayError('BAD_HEADER', { cause })
    }
    // Without trailers too: the stream ends when they are sent, and none are sent as an empty frame.
    this.awaitsTrailers = mayTrail
    if (mayTrail) stream.on('wantTrailers', () => this.sendTrailers())
    return true
  }

  private sendTrailers(): void {
    const { stream } = this
    this.awaitsTrailers = false
    if (stream.destroyed) return
    stream.sendTrailers(this.trailers)
    if (this.isClosing) this.closeLater()
  }

  // Closed in the turn of its trailers, the stream would end without them.
  private closeLater(): void {
    setImmediate(() => this.stream.close(constants.NGHTTP2_NO_ERROR))
  }
}

/**
 * Header fields as Node's http2 takes them: names in lower case, several values as a list. Fields that speak of a connection
 * have no place in HTTP/2 (RFC 9113 §8.2.2), and of those that there can be one of, the first counts, as in Node's parser.
 * @throws GatewayError `BAD_HEADER`: Node's http2 would send anything, and whoever translates it into HTTP/1 would be lost
 */
export function fieldsOf(raw: readonly string[]): OutgoingHttpHeaders {
  const fields: Record<string, string | string[]> = Object.create(null)
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase()
    const value = raw[i + 1] as string
    check(name, value)
    const known = fields[name]
    if (ofConnection.has(name)) continue
    if (known === undefined) fields[name] = value
    else if (Array.isArray(known)) known.push(value)
    else if (!single.has(name)) fields[name] = [known, value]
  }
  return fields
}

function check(name: string, value: string): void {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  } catch (cause) {
    throw new GatewayError('BAD_HEADER', { cause })
  }
}

const ofConnection: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings', 'te'],
])

// Node refuses to send more than one of these.
const single: ReadonlySet<string> = new Set([
  ...['access-control-allow-credentials', 'access-control-max-age', 'access-control-request-method', 'age', 'authorization'],
  ...['content-encoding', 'content-language', 'content-length', 'content-location', 'content-md5', 'content-range'],
  ...['content-type', 'date', 'dnt', 'etag', 'expires', 'from', 'host', 'if-match', 'if-modified-since', 'if-none-match'],
  ...['if-range', 'if-unmodified-since', 'last-modified', 'location', 'max-forwards', 'proxy-authorization', 'range'],
  ...['referer', 'retry-after', 'tk', 'upgrade-insecure-requests', 'user-agent', 'x-content-type-options'],
])
