import { type Body, type Context, type Flow, type HeaderList, publish, type Sink, type Source, sourceOf } from '@gatelet/core'
import { statusOfError } from '../status.ts'
import { statusFields } from './status-fields.ts'

/**
 * A body of gRPC that does not fail: what broke it off is told in its trailers. A stream that is reset would tell the client less,
 * since each library makes another status of it.
 */
export class EndedBody implements Source {
  protected readonly source: Source
  private readonly ctx: Context

  constructor(body: Body, ctx: Context) {
    this.source = sourceOf(body)
    this.ctx = ctx
  }

  get length(): number | undefined {
    return this.source.length
  }

  pipeTo(sink: Sink): Flow {
    return this.source.pipeTo({
      write: (chunk) => sink.write(chunk),
      end: (trailers) => this.end(sink, trailers),
      fail: (error) => {
        publish('request:failed', { context: this.ctx, error })
        this.end(sink, statusFields(statusOfError(error)))
      },
    })
  }

  take(): Uint8Array | null | undefined {
    return this.source.take()
  }

  cancel(reason?: Error): void {
    this.source.cancel(reason)
  }

  protected end(sink: Sink, trailers: HeaderList | undefined): void {
    sink.end(trailers)
  }
}
