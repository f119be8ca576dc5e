import { constants, type ServerHttp2Stream } from 'node:http2'
import { Duplex } from 'node:stream'
import { GatewayError } from '@gatelet/core'
import { fieldsOf } from './stream-output.ts'

const MAX_HEAD_BYTES = 65_536
const headEnd = '\r\n\r\n'

/**
 * A stream of HTTP/2 that became a WebSocket (RFC 8441), as a socket of HTTP/1.1: the 101 that is written to it first leaves as the
 * 200 that HTTP/2 has in its place, and what follows passes as it is. So whoever takes over an upgrade writes the same to both. An end
 * is an end of the stream; being destroyed before is a reset.
 */
export class UpgradedStream extends Duplex {
  /** Bytes that came. */
  received = 0
  /** Bytes that the other side has taken. */
  sent = 0
  private readonly stream: ServerHttp2Stream
  /** The 101, as far as it was written; undefined when it has left. */
  private head: Buffer | undefined = Buffer.alloc(0)

  constructor(stream: ServerHttp2Stream) {
    super({ allowHalfOpen: true })
    this.stream = stream
    // Told by 'close'; unheard, it would end the process.
    this.on('error', () => {})
    stream.on('data', (chunk: Buffer) => {
      this.received += chunk.byteLength
      if (!this.push(chunk)) stream.pause()
    })
    stream.on('end', () => this.push(null))
    stream.on('close', () => this.destroy())
  }

  override _read(): void {
    this.stream.resume()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    const { stream } = this
    let rest: Buffer
    try {
      rest = this.head ? this.opened(chunk) : chunk
    } catch (error) {
      done(error as Error)
      return
    }
    if (rest.byteLength === 0) {
      done()
      return
    }
    // Called when it is taken: what waits here is the back-pressure of the client.
    stream.write(rest, (error) => {
      this.sent += rest.byteLength
      done(error)
    })
  }

  override _final(done: () => void): void {
    this.stream.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { stream } = this
    if (!stream.closed && !stream.destroyed)
      stream.close(this.writableFinished ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_CANCEL)
    done(error)
  }

  /** Sends the head when the whole 101 was written. @returns what stands behind it. @throws GatewayError `BAD_REPLY`, `BAD_HEADER` */
  private opened(chunk: Buffer): Buffer {
    const head = Buffer.concat([this.head as Buffer, chunk])
    const end = head.indexOf(headEnd)
    if (end < 0 && head.byteLength < MAX_HEAD_BYTES) {
      this.head = head
      return Buffer.alloc(0)
    }
    const [status = '', ...lines] = head.toString('latin1', 0, Math.max(0, end)).split('\r\n')
    if (!status.startsWith('HTTP/1.1 101')) throw new GatewayError('BAD_REPLY', { message: 'an upgrade must begin with a 101' })
    this.head = undefined
    this.stream.respond({ ...fieldsOf(withoutAccept(lines)), ':status': 200 })
    return head.subarray(end + headEnd.length)
  }
}

// The answer to a key that the client has not sent.
function withoutAccept(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    return name.toLowerCase() === 'sec-websocket-accept' ? [] : [name, line.slice(colon + 1).trim()]
  })
}
