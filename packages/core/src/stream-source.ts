import type { Readable } from 'node:stream'
import type { Flow, Sink, Source } from './body.ts'
import { GatewayError } from './errors.ts'

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
    if (this.failure) this.deliverFailure()
    else if (stream.readableEnded) this.end()
    else if (stream.destroyed) this.fail(closedEarly())
    else {
      stream.on('end', () => this.end())
      stream.on('close', () => this.fail(closedEarly()))
      stream.on('data', (chunk: unknown) => this.write(chunk))
    }
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

  private write(chunk: unknown): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
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
    this.deliverFailure()
  }

  private deliverFailure(): void {
    const { sink, failure } = this
    this.sink = null
    if (failure) sink?.fail(failure)
  }
}

const closedEarly = () => new Error('the body stream was closed before its end')
