import {
  type Body,
  type Context,
  discard,
  type Flow,
  GatewayError,
  lengthOf,
  type Sink,
  type Source,
  sourceOf,
} from '@gatelet/core'

/**
 * The exchange with a body of at most `max` bytes.
 * @throws GatewayError `BODY_TOO_LARGE` at once where the length is known; else reading the body fails with it
 */
export function withLimitedBody(ctx: Context, max: number): Context {
  const { body, headers } = ctx.request
  const length = lengthOf(body)
  if (length === undefined) return ctx.withRequest({ body: new LimitedBody(body, max), headers })
  if (length <= max) return ctx
  discard(body)
  throw tooLarge(max)
}

/** A source that fails when more has come than is allowed. */
class LimitedBody implements Source {
  readonly length: undefined
  private readonly source: Source
  private readonly max: number

  constructor(body: Body, max: number) {
    this.source = sourceOf(body)
    this.max = max
  }

  pipeTo(sink: Sink): Flow {
    let left = this.max
    return this.source.pipeTo({
      write: (chunk) => {
        left -= chunk.byteLength
        if (left >= 0) return sink.write(chunk)
        this.source.cancel()
        sink.fail(tooLarge(this.max))
        return true
      },
      end: (trailers) => sink.end(trailers),
      fail: (error) => sink.fail(error),
    })
  }

  // What is here already may be too long: it is counted on its way.
  take(): undefined {
    return undefined
  }

  cancel(reason?: Error): void {
    this.source.cancel(reason)
  }
}

const tooLarge = (max: number) => new GatewayError('BODY_TOO_LARGE', { detail: `At most ${max} bytes are allowed` })
