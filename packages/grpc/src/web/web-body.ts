import { type Body, type Context, type HeaderList, type Sink, type Source, sourceOf, transformed } from '@gatelet/core'
import { EndedBody } from '../wire/ended-body.ts'
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
  const framed = new FramedTrailers(body, ctx)
  if (!isText) return framed
  const writer = new Base64Writer()
  return sourceOf(transformed(framed, { chunk: (chunk) => writer.push(chunk), end: () => writer.end() }))
}

class FramedTrailers extends EndedBody {
  override get length(): undefined {
    return undefined
  }

  // Its trailers would be lost.
  override take(): undefined {
    return undefined
  }

  protected override end(sink: Sink, trailers: HeaderList | undefined): void {
    sink.write(trailerFrame(trailers))
    sink.end()
  }
}
