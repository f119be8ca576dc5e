import type { Readable } from 'node:stream'
import type { Flow, Sink, Source } from './body.ts'
import { GatewayError } from './errors.ts'

const sources = new WeakMap<Readable, StreamSource>()

/** The one source of a Node stream: asked for twice, it is the same, so that it too can be used once only. */
export function streamSourceOf(stream: Readable): StreamSource {
  const source = sources.get(stream) ?? new StreamSource(stream)
  sources.set(stream, source)
  return source
}

/** A Node stream as a source. Not started, and its errors handled, from the moment it is wrapped. */
export class StreamSource implements Source, Flow {
  private readonly stream: Readable
  private sink: Sink | null = null
  private used = false
  private failure: Error | null = null

  constructor(stream: Readable) {
    this.stream = stream
    // Before anybody connects: a file that is missing says so early, and an unheard 'error' ends the process.
    stream.on('error', (error) => this.fail(error))
  }

  pipeTo(sink: Sink): Flow {
    if (this.used) throw new GatewayError('BODY_USED')
    this.used = true
    this.sink = sink
    const { stream } = this
    const failure = this.failure ?? stream.errored
    if (failure) this.fail(failure)
    // Somebody else has read it, a body parser for example: what is left is not the body.
    else if (stream.readableEnded && stream.readableDidRead) this.fail(new GatewayError('BODY_USED'))
    else if (stream.readableEnded) this.end()
    else if (stream.destroyed) this.fail(closedEarly())
    else this.listen()
    return this
  }

  take(): undefined {
    return undefined
  }

  cancel(): void {
    this.used = true
    this.sink = null
    this.stream.destroy()
  }

  pause(): void {
    this.stream.pause()
  }

  resume(): void {
    if (this.sink) this.stream.resume()
  }

  private listen(): void {
    this.stream.on('end', () => this.end())
    this.stream.on('close', () => {
      if (this.sink) this.fail(closedEarly())
    })
    this.stream.on('data', (chunk: unknown) => this.write(chunk))
  }

  private write(chunk: unknown): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, this.stream.readableEncoding ?? 'utf8') : chunk
    if (!(bytes instanceof Uint8Array)) {
      this.fail(new GatewayError('BAD_REPLY', { message: `a body stream brought a ${typeof chunk} where bytes are needed` }))
      this.stream.destroy()
    } else if (this.sink && !this.sink.write(bytes)) {
      this.stream.pause()
    }
  }

  private end(): void {
    const { sink } = this
    this.sink = null
    sink?.end()
  }

  private fail(error: Error): void {
    this.failure ??= error
    const { sink, failure } = this
    this.sink = null
    sink?.fail(failure)
  }
}

const closedEarly = () => new Error('the body stream was closed before its end')
