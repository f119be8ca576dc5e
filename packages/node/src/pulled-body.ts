import type { Readable } from 'node:stream'
import { type Flow, GatewayError, type Sink, type Source } from '@gatelet/core'

/**
 * The body of a request that comes by a stream of Node's. Nothing is read, and no `100 Continue` is sent, before somebody wants
 * it; until then, and while the receiver is full, the client meets the back-pressure of its protocol.
 */
export abstract class PulledBody implements Source, Flow {
  readonly length: number | undefined
  /** Bytes that were read. */
  received = 0
  protected isUsed = false
  protected isPaused = false
  protected sink: Sink | null = null
  protected failure: Error | null = null
  private readonly stream: Readable
  private readonly sendContinue: (() => void) | undefined

  /** @param sendContinue tells a client that expects it to go on (RFC 9110 §10.1.1) */
  constructor(stream: Readable, length: number | undefined, sendContinue: (() => void) | undefined) {
    this.stream = stream
    this.length = length
    this.sendContinue = sendContinue
  }

  abstract take(): Uint8Array | null | undefined
  /** Whether somebody waits for bytes that the client has not sent yet. */
  abstract get isAwaited(): boolean
  /** Everything has come. */
  protected abstract ended(): void

  pipeTo(sink: Sink): Flow {
    if (this.isUsed) throw new GatewayError('BODY_USED')
    this.isUsed = true
    if (this.failure) {
      sink.fail(this.failure)
      return this
    }
    this.sink = sink
    this.sendContinue?.()
    this.stream.on('end', this.onEnd)
    this.stream.on('data', this.onData)
    return this
  }

  // What is left is dealt with when the reply is out.
  cancel(): void {
    this.isUsed = true
    this.disconnect()
  }

  pause(): void {
    if (!this.sink) return
    this.isPaused = true
    this.stream.pause()
  }

  resume(): void {
    if (!this.sink) return
    this.isPaused = false
    this.stream.resume()
  }

  /** The rest will not come. Who reads is told. */
  fail(error: Error): void {
    this.failure ??= error
    const { sink } = this
    this.disconnect()
    sink?.fail(error)
  }

  private disconnect(): void {
    if (!this.sink) return
    this.sink = null
    this.stream.off('data', this.onData)
    this.stream.off('end', this.onEnd)
    this.stream.pause()
  }

  private readonly onData = (chunk: Buffer): void => {
    this.received += chunk.byteLength
    if (this.sink?.write(chunk) === false) this.pause()
  }

  private readonly onEnd = (): void => this.ended()
}
