import type { Duplex } from 'node:stream'
import type { BodyStep, Flow, Source } from './body.ts'
import { asError } from './errors.ts'
import type { HeaderList } from './headers.ts'
import { PushSource } from './push-source.ts'
import { StreamSource } from './stream-source.ts'

/** A source with one step over its chunks. */
export function throughStep(from: Source, step: BodyStep): Source {
  let flow: Flow | undefined
  const to = new PushSource({
    start() {
      flow = from.pipeTo({
        write(chunk) {
          const out = attempt(() => step.chunk(chunk))
          return out === null ? true : to.push(out)
        },
        end(trailers) {
          const last = attempt(() => step.end?.() ?? null)
          if (last !== null) to.push(last)
          to.end(trailers)
        },
        fail: (error) => to.fail(error),
      })
    },
    pause: () => flow?.pause(),
    resume: () => flow?.resume(),
    cancel: (reason) => from.cancel(reason),
  })
  // A step that throws ends both sides: the reader sees the error, the producer is freed.
  const attempt = (work: () => Uint8Array | null): Uint8Array | null => {
    try {
      return work()
    } catch (error) {
      from.cancel()
      to.fail(asError(error))
      return null
    }
  }
  return to
}

/** A source that goes through a stream, which is made when it is read. */
export function throughStream(from: Source, make: () => Duplex): Source {
  let out: StreamSource | undefined
  let flow: Flow | undefined
  let trailers: HeaderList | undefined
  const to = new PushSource({
    start() {
      const stream = made(make, from)
      out = new StreamSource(stream)
      feed(stream, from, (last) => {
        trailers = last
      })
      flow = out.pipeTo({
        write: (chunk) => to.push(chunk),
        // A stream may end or fail before its input does, which must not go on into nothing then.
        end() {
          from.cancel()
          to.end(trailers)
        },
        fail(error) {
          from.cancel(error)
          to.fail(error)
        },
      })
    },
    pause: () => flow?.pause(),
    resume: () => flow?.resume(),
    cancel(reason) {
      out?.cancel()
      from.cancel(reason)
    },
  })
  return to
}

function made(make: () => Duplex, from: Source): Duplex {
  try {
    return make()
  } catch (error) {
    from.cancel()
    throw error
  }
}

/** Writes a source into a stream, no faster than that takes it. */
function feed(stream: Duplex, from: Source, onEnd: (trailers: HeaderList | undefined) => void): void {
  let flow: Flow | undefined
  stream.on('drain', () => flow?.resume())
  try {
    flow = from.pipeTo({
      write: (chunk) => stream.write(chunk),
      end(trailers) {
        onEnd(trailers)
        stream.end()
      },
      fail: (error) => void stream.destroy(error),
    })
  } catch (error) {
    stream.destroy()
    throw error
  }
}
