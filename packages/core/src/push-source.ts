import type { Flow, Sink, Source } from './body.ts'
import { asError, GatewayError } from './errors.ts'
import type { HeaderList } from './headers.ts'

/** What fills a `PushSource`. */
export interface Producer {
  /** Called once, when somebody first wants the bytes; what it throws is the end of them. Left out by who pushes unasked. */
  start?(): void
  pause(): void
  resume(): void
  /** Nobody wants the rest. */
  cancel(reason?: Error): void
}

// How much is held before somebody reads. Enough for one read of a socket, so that small bodies are whole at once.
const MAX_CHUNKS = 8
const MAX_BYTES = 65_536

/**
 * A source that is filled by `push`, `end` and `fail`. Holds at most about 8 chunks or 64 KiB until it is read, and one
 * more whatever its size. The common case, one chunk and the end before anybody reads, allocates no queue.
 */
export class PushSource implements Source, Flow {
  length: number | undefined
  private readonly producer: Producer
  private sink: Sink | null = null
  private first: Uint8Array | null = null
  private rest: Uint8Array[] | null = null
  private held = 0
  private used = false
  private over = false
  private cancelled = false
  private paused = false
  private failure: Error | null = null
  private trailers: HeaderList | undefined

  constructor(producer: Producer) {
    this.producer = producer
  }

  /** @returns false when the producer should pause until its `resume` is called */
  push(chunk: Uint8Array): boolean {
    if (this.over) return true
    if (this.sink) {
      if (!this.sink.write(chunk)) this.paused = true
      return !this.paused
    }
    if (this.first === null) this.first = chunk
    else if (this.rest === null) this.rest = [chunk]
    else this.rest.push(chunk)
    this.held += chunk.byteLength
    if (this.held >= MAX_BYTES || (this.rest !== null && this.rest.length >= MAX_CHUNKS - 1)) this.paused = true
    return !this.paused
  }

  end(trailers?: HeaderList): void {
    if (this.over) return
    this.over = true
    this.trailers = trailers
    this.sink?.end(trailers)
  }

  fail(error: Error): void {
    if (this.over) return
    this.over = true
    this.failure = error
    this.sink?.fail(error)
  }

  /** Whether nothing more will be pushed: it ended, failed or was cancelled. */
  get isOver(): boolean {
    return this.over
  }

  pipeTo(sink: Sink): Flow {
    this.use()
    this.start()
    let room = true
    // A write may bring more synchronously: that must neither overtake what is held nor be lost.
    while (this.first !== null) {
      const { first, rest } = this
      this.first = this.rest = null
      room = sink.write(first)
      if (rest) for (const chunk of rest) if (!this.cancelled) room = sink.write(chunk)
      if (this.cancelled) return this
    }
    this.sink = sink
    if (this.failure) sink.fail(this.failure)
    else if (this.over) sink.end(this.trailers)
    else if (!room) this.pause()
    else if (this.paused) this.resume()
    return this
  }

  take(): Uint8Array | null | undefined {
    if (!this.over || this.failure || this.cancelled || this.trailers) return undefined
    this.use()
    const { first, rest } = this
    this.first = this.rest = null
    return rest && first ? Buffer.concat([first, ...rest]) : first
  }

  cancel(reason?: Error): void {
    if (this.cancelled) return
    this.cancelled = true
    this.used = true
    this.first = this.rest = this.sink = null
    if (this.over) return
    this.over = true
    this.producer.cancel(reason)
  }

  pause(): void {
    if (this.paused || this.over) return
    this.paused = true
    this.producer.pause()
  }

  resume(): void {
    if (!this.paused || this.over) return
    this.paused = false
    this.producer.resume()
  }

  private use(): void {
    if (this.used) throw new GatewayError('BODY_USED')
    this.used = true
  }

  private start(): void {
    if (this.over) return
    try {
      this.producer.start?.()
    } catch (error) {
      this.fail(asError(error))
    }
  }
}
