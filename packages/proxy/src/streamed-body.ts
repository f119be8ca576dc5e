import { Readable } from 'node:stream'
import { type Body, type Flow, type Source, sourceOf } from '@gatelet/core'
import { bodyError } from './body-error.ts'
import type { RequestBody } from './request-body.ts'

/**
 * A request body that passes through as it comes, at the pace of the upstream. It is connected when an upstream is, and as
 * long as nothing of it was handed on, it can still go to another.
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
  /** What came between two attempts; null is the end. */
  private held: (Uint8Array | null)[] = []

  constructor(body: Body, length: number | undefined) {
    this.source = sourceOf(body)
    this.announced = length
  }

  get isReplayable(): boolean {
    return !this.isTouched && !this.failure
  }

  // A fresh stream for each attempt: undici destroys the one that it has when the attempt fails.
  forAttempt(): Readable {
    const readable = new Readable({
      read: () => this.read(),
      destroy: (error, done) => {
        if (this.isTouched) this.source.cancel(error ?? undefined)
        done(error)
      },
    })
    // undici takes its own listener away before the stream is destroyed.
    readable.on('error', () => {})
    this.current = readable
    return readable
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
    const { held } = this
    this.held = []
    for (const chunk of held) this.pass(chunk)
    this.flow?.resume()
  }

  private pass(chunk: Uint8Array | null): boolean {
    const { current } = this
    if (!current || current.destroyed) {
      this.held.push(chunk)
      return false
    }
    this.isTouched = true
    return current.push(chunk)
  }
}
