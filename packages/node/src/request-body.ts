import type { IncomingMessage } from 'node:http'
import { GatewayError, HeaderList } from '@gatelet/core'
import { PulledBody } from './pulled-body.ts'

/** The body of a request of HTTP/1. */
export class RequestBody extends PulledBody {
  private readonly req: IncomingMessage

  constructor(req: IncomingMessage, length: number | undefined, sendContinue: (() => void) | undefined) {
    super(req, length, sendContinue)
    this.req = req
  }

  take(): Uint8Array | null | undefined {
    const { req } = this
    if (this.isUsed || this.failure || !req.complete || req.rawTrailers.length > 0) return undefined
    this.isUsed = true
    const whole = req.read() as Buffer | null
    this.received = whole?.byteLength ?? 0
    return whole
  }

  get isAwaited(): boolean {
    return this.sink !== null && !this.isPaused && !this.req.complete
  }

  /** The exchange is over: what was not read is read and thrown away, or the next request would never be seen. */
  release(): void {
    if (!this.isUsed) return // Node itself throws away a body that nobody touched.
    if (this.sink) this.fail(new GatewayError('CLIENT_CLOSED', { message: 'the reply was out before the request body was read' }))
    if (!this.req.readableEnded) this.req.resume()
  }

  protected ended(): void {
    const { sink } = this
    const { rawTrailers } = this.req
    this.sink = null
    sink?.end(rawTrailers.length > 0 ? HeaderList.fromRaw(rawTrailers) : undefined)
  }
}
