import type { ServerHttp2Stream } from 'node:http2'
import { type Flow, GatewayError, HeaderList, type Sink, type Source } from '@gatelet/core'

/**
 * The body of a request of HTTP/2. Nothing is read, and no `100` sent, before somebody wants it; until then, and while the
 * receiver is full, the client meets the window of its stream.
 */
export class StreamBody implements Source, Flow {
  readonly length: number | undefined
  /** Bytes that have come. */
  received = 0
  private readonly stream: ServerHttp2Stream
  private readonly sendContinue: (() => void) | undefined
  private sink: Sink | null = null
  private isUsed = false
  private isPaused = false
  private failure: Error | null = null
  private trailers: HeaderList | undefined

  /** @param sendContinue tells a client that expects it to go on (RFC 9110 §10.1.1) */
  constructor(stream: ServerHttp2Stream, length: number | undefined, sendContinue: (() => void) | undefined) {
    this.stream = stream
    this.length = length
    this.sendContinue = sendContinue
    // They come when they come, read or not.
    stream.on('trailers', (_, __, ...rest: unknown[]) => {
      const raw = rest[0] as string[] | undefined
      if (raw && raw.length > 0) this.trailers = HeaderList.fromRaw(raw)
    })
  }

  pipeTo(sink: Sink): Flow {
    if (this.isUsed) throw new GatewayError('BODY_USED')
    this.isUsed = true
    if (this.failure) {
      sink.fail(this.failure)
      return this
    }
    this.sink = sink
    this.sendContinue?.()
    this.stream.on('end', this.onEnd)
    this.stream.on('data', this.onData)
    return this
  }

  take(): undefined {
    return undefined
  }

  cancel(): void {
    this.isUsed = true
    this.disconnect()
  }

  pause(): void {
    if (!this.sink) return
    this.isPaused = true
    this.stream.pause()
  }

  resume(): void {
    if (!this.sink) return
    this.isPaused = false
    this.stream.resume()
  }

  /** Whether somebody waits for bytes that the client has not sent yet. */
  get isAwaited(): boolean {
    return this.sink !== null && !this.isPaused
  }

  /** The rest will not come. Who reads is told. */
  fail(error: Error): void {
    this.failure ??= error
    const { sink } = this
    this.disconnect()
    sink?.fail(error)
  }

  private disconnect(): void {
    if (!this.sink) return
    this.sink = null
    this.stream.off('data', this.onData)
    this.stream.off('end', this.onEnd)
    this.stream.pause()
  }

  private readonly onData = (chunk: Buffer): void => {
    this.received += chunk.byteLength
    if (this.sink?.write(chunk) === false) this.pause()
  }

  private readonly onEnd = (): void => {
    const { sink } = this
    // A client that resets its stream without an error looks to Node like one that is done.
    if (this.stream.closed) {
      this.fail(new GatewayError('CLIENT_CLOSED'))
      return
    }
    this.sink = null
    sink?.end(this.trailers)
  }
}
