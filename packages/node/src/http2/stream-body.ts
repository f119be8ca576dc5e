import type { ServerHttp2Stream } from 'node:http2'
import { GatewayError, HeaderList } from '@gatelet/core'
import { PulledBody } from '../pulled-body.ts'

/** The body of a request of HTTP/2. */
export class StreamBody extends PulledBody {
  private readonly http2: ServerHttp2Stream
  private trailers: HeaderList | undefined

  constructor(stream: ServerHttp2Stream, length: number | undefined, sendContinue: (() => void) | undefined) {
    super(stream, length, sendContinue)
    this.http2 = stream
    // They come when they come, read or not.
    stream.on('trailers', (_, __, ...rest: unknown[]) => {
      const raw = rest[0] as string[] | undefined
      if (raw && raw.length > 0) this.trailers = HeaderList.fromRaw(raw)
    })
  }

  take(): undefined {
    return undefined
  }

  get isAwaited(): boolean {
    return this.sink !== null && !this.isPaused
  }

  protected ended(): void {
    // A client that resets its stream without an error looks to Node like one that is done.
    if (this.http2.closed) {
      this.fail(new GatewayError('CLIENT_CLOSED'))
      return
    }
    const { sink } = this
    this.sink = null
    sink?.end(this.trailers)
  }
}
