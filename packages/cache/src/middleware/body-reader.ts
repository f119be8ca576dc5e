import { type Flow, GatewayError, type Sink, type Source } from '@gatelet/core'
import type { SharedBody } from './shared-body.ts'

/** One of those who read a shared body, from its first byte on. */
export class BodyReader implements Source, Flow {
  readonly length: number | undefined
  /** How many chunks it has read. */
  place = 0
  private readonly body: SharedBody
  private readonly getsTrailers: boolean
  private sink: Sink | undefined
  private isUsed = false
  private isPaused = false
  private isPumping = false

  constructor(body: SharedBody, getsTrailers: boolean) {
    this.body = body
    this.length = body.length
    this.getsTrailers = getsTrailers
  }

  /** Whether it takes what comes next. */
  get hasRoom(): boolean {
    return this.sink !== undefined && !this.isPaused
  }

  pipeTo(sink: Sink): Flow {
    this.use()
    this.sink = sink
    this.pump()
    this.body.connect()
    this.body.moved()
    return this
  }

  take(): Uint8Array | null | undefined {
    if (this.isUsed) throw new GatewayError('BODY_USED')
    const whole = this.body.whole()
    if (whole === undefined) return undefined
    this.isUsed = true
    this.body.left(this)
    return whole
  }

  cancel(): void {
    this.isUsed = true
    this.sink = undefined
    this.body.left(this)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.pump()
    this.body.moved()
  }

  /** Gives on what has come. */
  pump(): void {
    // A sink that makes room while it is written to is served by the loop that runs already.
    if (this.isPumping) return
    this.isPumping = true
    while (this.sink && !this.isPaused) {
      const chunk = this.body.at(this.place)
      if (chunk === undefined) break
      this.place++
      if (!this.sink.write(chunk)) this.isPaused = true
    }
    this.isPumping = false
    this.endWhenRead()
  }

  /** Others cannot wait for it any longer. */
  breakOff(): void {
    const { sink } = this
    this.sink = undefined
    this.isUsed = true
    this.body.left(this)
    sink?.fail(new GatewayError('DEADLINE_EXCEEDED', { message: 'a client read too slowly what it shared with others' }))
  }

  // What is left to be read comes before the end, however it ended.
  private endWhenRead(): void {
    const { sink } = this
    if (!sink || !this.body.isEnded || this.body.at(this.place) !== undefined) return
    this.sink = undefined
    this.body.left(this)
    this.body.tellEnd(sink, this.getsTrailers)
  }

  private use(): void {
    if (this.isUsed) throw new GatewayError('BODY_USED')
    this.isUsed = true
  }
}
