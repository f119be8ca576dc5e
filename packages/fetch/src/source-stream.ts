import { type Flow, GatewayError, type Sink, type Source } from '@gatelet/core'
import { cancelQuietly } from './cancel-quietly.ts'

/** How a source becomes a stream, and who is told how that ended. One of the last three is called, once. */
export interface SourceStreamInit {
  /** Connects at once and reads a little ahead, so that a source which cannot be read fails at once; else at first demand. */
  readonly isEager: boolean
  /** Bytes that were announced. A source that has fewer or more breaks off. */
  readonly length?: number | undefined
  /** Everything was read. */
  finished(): void
  /** The source broke off. */
  failed(error: Error): void
  /** The reader wants no more. */
  cancelled(): void
}

// How much may wait for the reader of an eager stream: enough that a socket behind it is never idle.
const READ_AHEAD_BYTES = 65_536

/** A source as a web stream, with the back-pressure of its reader. */
export class SourceStream implements Sink {
  readonly stream: ReadableStream<Uint8Array>
  /** Bytes that were handed to the reader's queue. */
  sent = 0
  private readonly source: Source
  private readonly init: SourceStreamInit
  private readonly capacity: number
  private controller: ReadableStreamDefaultController<Uint8Array> | undefined
  private flow: Flow | undefined
  private state: 'new' | 'starting' | 'open' | 'ended' | 'over' = 'new'
  private failure: Error | undefined

  /** @throws what an eager source fails with at once; `init` is told nothing then */
  constructor(source: Source, init: SourceStreamInit) {
    this.source = source
    this.init = init
    this.capacity = init.isEager ? READ_AHEAD_BYTES : 0
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => this.start(controller),
        pull: () => this.pull(),
        cancel: (reason) => this.cancel(reason),
      },
      { highWaterMark: this.capacity, size: (chunk) => chunk.byteLength },
    )
  }

  write(chunk: Uint8Array): boolean {
    const { controller, init } = this
    if (!controller || this.state === 'over') return true
    this.sent += chunk.byteLength
    if (init.length !== undefined && this.sent > init.length) {
      this.breakOff('more than')
      return true
    }
    // To some readers an empty chunk is the end.
    if (chunk.byteLength > 0) controller.enqueue(chunk)
    return (controller.desiredSize ?? 0) > 0
  }

  // A `Response` has no place for trailers.
  end(): void {
    const { init, sent, state } = this
    if (state === 'over') return
    if (init.length !== undefined && sent < init.length) {
      this.breakOff(`${sent} of`)
      return
    }
    this.state = 'ended'
    this.closeWhenRead()
  }

  fail(error: Error): void {
    if (this.state === 'over') return
    const isEarly = this.state === 'starting'
    this.state = 'over'
    this.failure = error
    if (isEarly) return
    this.controller?.error(error)
    this.init.failed(error)
  }

  /** Nobody wants the rest. Who reads on is told `reason`. */
  abort(reason: Error): void {
    if (this.state === 'over') return
    this.state = 'over'
    // Not at once: a host whose client has left cancels the stream by itself, and would log an error instead.
    queueMicrotask(() => this.controller?.error(reason))
    cancelQuietly(this.source, reason)
  }

  private start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.controller = controller
    if (!this.init.isEager) return
    this.state = 'starting'
    this.connect()
    if (this.failure) throw this.failure
  }

  private pull(): void {
    if (this.state === 'ended') this.closeWhenRead()
    else if (this.state === 'new') this.connectLate()
    else this.flow?.resume()
  }

  private connectLate(): void {
    try {
      this.connect()
    } catch (error) {
      this.fail(error as Error)
    }
  }

  private connect(): void {
    this.flow = this.source.pipeTo(this)
    if (this.state === 'new' || this.state === 'starting') this.state = 'open'
  }

  private closeWhenRead(): void {
    const { controller } = this
    if (!controller || controller.desiredSize !== this.capacity) return
    this.state = 'over'
    controller.close()
    this.init.finished()
  }

  private breakOff(what: string): void {
    cancelQuietly(this.source)
    this.fail(new GatewayError('BAD_REPLY', { message: `the body has ${what} the ${this.init.length} bytes announced` }))
  }

  private cancel(reason: unknown): void {
    if (this.state === 'over') return
    this.state = 'over'
    this.init.cancelled()
    cancelQuietly(this.source, reason instanceof Error ? reason : undefined)
  }
}
