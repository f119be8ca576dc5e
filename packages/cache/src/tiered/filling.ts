import { type Body, type Sink, type Source, sourceOf } from '@gatelet/core'
import type { EntryWriter } from '../store.ts'

/** A body that is written somewhere else too as it is read, if it is read to its end. */
export function filling(body: Body, open: () => EntryWriter | undefined): Body {
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) {
    const writer = open()
    if (writer) stored(writer, typeof body === 'string' ? Buffer.from(body) : body)
    return body
  }
  return overSource(sourceOf(body), open)
}

function overSource(source: Source, open: () => EntryWriter | undefined): Source {
  let writer: EntryWriter | undefined
  const pipeTo = (sink: Sink) => {
    writer = open()
    return source.pipeTo({
      write(chunk) {
        if (writer && !writer.write(chunk)) writer = undefined
        return sink.write(chunk)
      },
      end(trailers) {
        if (writer) stored(writer, null)
        sink.end(trailers)
      },
      fail(error) {
        writer?.abort()
        sink.fail(error)
      },
    })
  }
  return {
    length: source.length,
    pipeTo,
    take() {
      const all = source.take()
      const whole = all === undefined ? undefined : open()
      if (whole) stored(whole, all ?? null)
      return all
    },
    cancel(reason) {
      writer?.abort()
      source.cancel(reason)
    },
  }
}

function stored(writer: EntryWriter, rest: Uint8Array | null): void {
  if (rest) writer.write(rest)
  // A copy that is not kept is read again from where it came.
  void Promise.resolve(writer.commit()).catch(() => {})
}
