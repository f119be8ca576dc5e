import { Readable } from 'node:stream'
import { type Body, type Flow, type Source, sourceOf } from '@gatelet/core'
import { bodyError } from './body-error.ts'
import { HOLD_BYTES, hold, letGo } from './held-bytes.ts'
import type { RequestBody } from './request-body.ts'

/** Chunks; null is the end. */
type Part = Uint8Array | null

/**
 * A request body that passes through as it comes, at the pace of the upstream. It is connected when an upstream is. What an
 * attempt was given is kept, up to 64 KiB, until it is known what the client gets: so long it can still go to another endpoint.
 */
export class StreamedBody implements RequestBody {
  readonly announced: number | undefined
  readonly taken: undefined
  readonly isHeld = false
  private readonly source: Source
  private flow: Flow | undefined
  private isConnected = false
  private isTouched = false
  private failure: Error | undefined
  /** The stream of the attempt that is under way. */
  private current: Readable | undefined
  /** What came between two attempts. */
  private waiting: Part[] = []
  /** What the attempt under way was given. Undefined: it cannot be given again. */
  private given: Part[] | undefined = []
  private givenBytes = 0

  constructor(body: Body, length: number | undefined) {
    this.source = sourceOf(body)
    this.announced = length
  }

  get isReplayable(): boolean {
    return this.given !== undefined && !this.failure
  }

  // A fresh stream for each attempt: undici destroys the one that it has when the attempt fails.
  forAttempt(): Readable {
    const readable = new Readable({
      read: () => this.read(),
      destroy: (error, done) => {
        if (this.isTouched && !this.isReplayable) this.source.cancel(error ?? undefined)
        done(error)
      },
    })
    // undici takes its own listener away before the stream is destroyed.
    readable.on('error', () => {})
    this.current = readable
    if (this.given && this.given.length > 0) this.takeBack(this.given)
    return readable
  }

  settled(): void {
    this.forget()
    if (this.isTouched && this.current?.destroyed) this.source.cancel()
  }

  private read(): void {
    if (this.failure) this.current?.destroy(this.failure)
    else if (this.isConnected) this.goOn()
    else this.connect()
  }

  private connect(): void {
    this.isConnected = true
    this.flow = this.source.pipeTo({
      write: (chunk) => this.pass(chunk),
      end: () => void this.pass(null),
      fail: (error) => {
        this.failure = bodyError(error)
        this.current?.destroy(this.failure)
      },
    })
  }

  private goOn(): void {
    const { waiting } = this
    this.waiting = []
    for (const chunk of waiting) this.pass(chunk)
    this.flow?.resume()
  }

  private pass(chunk: Part): boolean {
    const { current } = this
    if (!current || current.destroyed) {
      this.waiting.push(chunk)
      return false
    }
    this.isTouched = true
    this.keep(chunk)
    return current.push(chunk)
  }

  private keep(chunk: Part): void {
    if (!this.given) return
    const bytes = chunk?.byteLength ?? 0
    if (this.givenBytes + bytes > HOLD_BYTES || !hold(bytes)) {
      this.forget()
      return
    }
    this.givenBytes += bytes
    this.given.push(chunk)
  }

  private takeBack(given: Part[]): void {
    this.waiting = [...given, ...this.waiting]
    this.given = []
    letGo(this.givenBytes)
    this.givenBytes = 0
  }

  private forget(): void {
    this.given = undefined
    letGo(this.givenBytes)
    this.givenBytes = 0
  }
}
