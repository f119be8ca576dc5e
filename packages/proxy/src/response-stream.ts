import { type Clock, type Flow, GatewayError, type Sink, type Source } from '@gatelet/core'

/** What a stream lives by. */
export interface ResponseStreamInit {
  readonly clock: Clock
  readonly unreadMs: number
  /** What the reader is told for a failure. */
  meaningOf(error: unknown): unknown
  /** Told once: it was read to its end, cancelled or not read (nothing), or it broke off. */
  over(error?: Error): void
}

/** The body of a response for `fetch`: at the pace of its reader, and not kept for one who does not come. */
export class ResponseStream implements Sink {
  readonly stream: ReadableStream<Uint8Array>
  private readonly source: Source
  private readonly init: ResponseStreamInit
  private controller: ReadableStreamDefaultController<Uint8Array> | undefined
  private flow: Flow | undefined
  private isConnected = false
  private isOver = false
  private cancelTimer: (() => void) | undefined

  constructor(source: Source, init: ResponseStreamInit) {
    this.source = source
    this.init = init
    const from = {
      start: (controller: ReadableStreamDefaultController<Uint8Array>) => {
        this.controller = controller
      },
      pull: () => this.pull(),
      cancel: () => this.leave(),
    }
    this.stream = new ReadableStream(from, { highWaterMark: 0 })
    this.await()
  }

  write(chunk: Uint8Array): boolean {
    // undici brings an empty one when it goes on after a pause: asked for more for each, it would never come to the next.
    if (this.isOver || chunk.byteLength === 0) return true
    this.controller?.enqueue(chunk)
    const hasRoom = (this.controller?.desiredSize ?? 0) > 0
    if (!hasRoom) this.await()
    return hasRoom
  }

  end(): void {
    if (this.isOver) return
    this.controller?.close()
    this.finish()
  }

  fail(error: Error): void {
    if (this.isOver) return
    this.controller?.error(this.init.meaningOf(error))
    this.finish(error)
  }

  private pull(): void {
    this.cancelTimer?.()
    this.cancelTimer = undefined
    if (this.isConnected) {
      this.flow?.resume()
      return
    }
    this.isConnected = true
    this.flow = this.source.pipeTo(this)
  }

  /** Bounds the time until the reader asks for more. */
  private await(): void {
    const { clock, unreadMs } = this.init
    this.cancelTimer?.()
    this.cancelTimer = clock.setTimer(() => this.drop(), unreadMs)
  }

  private drop(): void {
    this.controller?.error(new GatewayError('DEADLINE_EXCEEDED', { message: 'the body of a response was not read for too long' }))
    this.leave()
  }

  private leave(): void {
    this.source.cancel()
    if (!this.isOver) this.finish()
  }

  private finish(error?: Error): void {
    this.isOver = true
    this.cancelTimer?.()
    this.init.over(error)
  }
}
