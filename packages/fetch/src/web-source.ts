import { type Flow, GatewayError, type Sink, type Source } from '@gatelet/core'

/** What is particular about one web stream. */
export interface WebSourceInit {
  /** What it means for the exchange when the stream fails. */
  readonly failureOf: (cause: unknown) => Error
  /** Whether the maker of the stream is told that nobody wants the rest. */
  readonly isCancelled: boolean
  /** Bytes that were announced. A stream that has fewer or more fails. */
  readonly length?: number | undefined
}

/** A web stream as a source. Not touched before somebody wants it; one chunk is read at a time, so at the pace of who takes them. */
export class WebSource implements Source, Flow {
  readonly length: number | undefined
  /** Bytes that were read. */
  received = 0
  private readonly stream: ReadableStream<Uint8Array>
  private readonly init: WebSourceInit
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  private sink: Sink | undefined
  private failure: Error | undefined
  private isUsed = false
  private isReading = false
  private isPaused = false

  constructor(stream: ReadableStream<Uint8Array>, init: WebSourceInit) {
    this.stream = stream
    this.init = init
    this.length = init.length
  }

  pipeTo(sink: Sink): Flow {
    if (this.isUsed) throw new GatewayError('BODY_USED')
    this.isUsed = true
    // Somebody else reads it, a body parser of the host for example.
    if (this.stream.locked) this.failure ??= new GatewayError('BODY_USED')
    if (this.failure) {
      sink.fail(this.failure)
      return this
    }
    this.sink = sink
    this.reader = this.stream.getReader()
    this.read()
    return this
  }

  // Only promises tell what a web stream has.
  take(): undefined {
    return undefined
  }

  cancel(reason?: Error): void {
    this.isUsed = true
    this.leave(reason)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.read()
  }

  get isBeingRead(): boolean {
    return this.sink !== undefined
  }

  /** Nobody may read it any more. Who does is told. */
  release(reason: Error): void {
    this.failure ??= reason
    if (this.sink) this.leave(reason)?.fail(reason)
  }

  private read(): void {
    if (!this.sink || !this.reader || this.isReading || this.isPaused) return
    this.isReading = true
    this.reader.read().then(this.onRead).catch(this.onFailure)
  }

  private readonly onRead = ({ done, value }: { done: boolean; value?: unknown }): void => {
    this.isReading = false
    if (!this.sink) return
    if (done) this.end()
    else this.push(value)
  }

  private push(chunk: unknown): void {
    if (!(chunk instanceof Uint8Array)) throw new TypeError(`a body stream brought a ${typeof chunk} where bytes are needed`)
    this.received += chunk.byteLength
    if (this.length !== undefined && this.received > this.length) throw this.wrongLength('more than')
    if (this.sink?.write(chunk) === false) this.isPaused = true
    this.read()
  }

  private end(): void {
    if (this.length !== undefined && this.received < this.length) throw this.wrongLength(`${this.received} of`)
    const { sink } = this
    this.sink = undefined
    sink?.end()
  }

  private wrongLength(what: string): Error {
    return new RangeError(`the body has ${what} the ${this.length} bytes announced`)
  }

  private readonly onFailure = (cause: unknown): void => {
    if (this.sink) this.leave(cause)?.fail(this.init.failureOf(cause))
  }

  /** Stops reading. @returns who was reading */
  private leave(reason: unknown): Sink | undefined {
    const { sink, reader, stream } = this
    this.sink = this.reader = undefined
    reader?.releaseLock()
    if (this.init.isCancelled && !stream.locked) stream.cancel(reason).catch(nothing)
    return sink
  }
}

const nothing = () => {}
