import { type Body, type Context, type Flow, publish, type Sink, type Source, sourceOf, transformed } from '@gatelet/core'
import { statusOfError } from '../status.ts'
import { statusFields } from '../wire/status-fields.ts'
import { Base64Reader, Base64Writer } from './base64.ts'
import { trailerFrame } from './trailer-frame.ts'

/** The body of a request in text, as gRPC has it. */
export function decodedBody(body: Body): Body {
  const reader = new Base64Reader()
  return transformed(body, {
    chunk(chunk) {
      const bytes = reader.push(chunk)
      return bytes.byteLength === 0 ? null : bytes
    },
    end() {
      reader.end()
      return null
    },
  })
}

/**
 * The body of a reply as gRPC-Web has it: the messages as they are, and the trailers as one frame more, with the status where the
 * body breaks off.
 */
export function webBody(body: Body, isText: boolean, ctx: Context): Source {
  const framed = new FramedTrailers(sourceOf(body), ctx)
  if (!isText) return framed
  const writer = new Base64Writer()
  return sourceOf(transformed(framed, { chunk: (chunk) => writer.push(chunk), end: () => writer.end() }))
}

class FramedTrailers implements Source {
  private readonly source: Source
  private readonly ctx: Context

  constructor(source: Source, ctx: Context) {
    this.source = source
    this.ctx = ctx
  }

  pipeTo(sink: Sink): Flow {
    return this.source.pipeTo({
      write: (chunk) => sink.write(chunk),
      end(trailers) {
        sink.write(trailerFrame(trailers))
        sink.end()
      },
      fail: (error) => {
        publish('request:failed', { context: this.ctx, error })
        sink.write(trailerFrame(statusFields(statusOfError(error))))
        sink.end()
      },
    })
  }

  take(): undefined {
    return undefined
  }

  cancel(reason?: Error): void {
    this.source.cancel(reason)
  }
}
