import type { IncomingMessage } from 'node:http'
import { type Flow, GatewayError, HeaderList, type Sink, type Source } from '@gatelet/core'

/**
 * The body of a request. Nothing is read, and no `100 Continue` is sent, before somebody wants it; until then, and while the
 * receiver is full, the client meets the back-pressure of TCP.
 */
export class RequestBody implements Source, Flow {
  readonly length: number | undefined
  private readonly req: IncomingMessage
  private readonly sendContinue: (() => void) | undefined
  private sink: Sink | null = null
  private isUsed = false
  private isPaused = false
  private failure: Error | null = null

  /** @param sendContinue tells a client that expects it to go on (RFC 9110 §10.1.1) */
  constructor(req: IncomingMessage, length: number | undefined, sendContinue: (() => void) | undefined) {
    this.req = req
    this.length = length
    this.sendContinue = sendContinue
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
    this.req.on('end', this.onEnd)
    this.req.on('data', this.onData)
    return this
  }

  take(): Uint8Array | null | undefined {
    const { req } = this
    if (this.isUsed || this.failure || !req.complete || req.rawTrailers.length > 0) return undefined
    this.isUsed = true
    return req.read() as Buffer | null
  }

  // What is left is dealt with when the reply is out: see `release`.
  cancel(): void {
    this.isUsed = true
    this.disconnect()
  }

  pause(): void {
    if (!this.sink) return
    this.isPaused = true
    this.req.pause()
  }

  resume(): void {
    if (!this.sink) return
    this.isPaused = false
    this.req.resume()
  }

  /** Whether somebody waits for bytes that the client has not sent yet. */
  get isAwaited(): boolean {
    return this.sink !== null && !this.isPaused && !this.req.complete
  }

  /** The rest will not come. Who reads is told. */
  fail(error: Error): void {
    this.failure ??= error
    const { sink } = this
    this.disconnect()
    sink?.fail(error)
  }

  /** The exchange is over: what was not read is read and thrown away, or the next request would never be seen. */
  release(): void {
    if (!this.isUsed) return // Node itself throws away a body that nobody touched.
    if (this.sink) this.fail(new GatewayError('CLIENT_CLOSED', { message: 'the reply was out before the request body was read' }))
    if (!this.req.readableEnded) this.req.resume()
  }

  private disconnect(): void {
    if (!this.sink) return
    this.sink = null
    this.req.off('data', this.onData)
    this.req.off('end', this.onEnd)
    this.req.pause()
  }

  private readonly onData = (chunk: Buffer): void => {
    if (this.sink?.write(chunk) === false) this.pause()
  }

  private readonly onEnd = (): void => {
    const { sink } = this
    const { rawTrailers } = this.req
    this.sink = null
    sink?.end(rawTrailers.length > 0 ? HeaderList.fromRaw(rawTrailers) : undefined)
  }
}
