import { type Context, type Flow, type Sink, type Source, stopReason } from '@gatelet/core'

/**
 * A body that fails when its exchange is aborted, or its time is over: also where those who make it do not hear of that. Else it
 * is as what it is made of.
 */
export class TimedBody implements Source {
  private readonly from: Source
  private sink: Sink | undefined
  private failure: Error | undefined
  private isOver = false

  constructor(ctx: Context, from: Source) {
    this.from = from
    ctx.onAbort(() => this.stop(stopReason(ctx)))
  }

  get length(): number | undefined {
    return this.from.length
  }

  pipeTo(sink: Sink): Flow {
    if (this.failure) {
      sink.fail(this.failure)
      return ended
    }
    this.sink = sink
    return this.from.pipeTo({
      write: (chunk) => this.isOver || sink.write(chunk),
      end: (trailers) => this.over(() => sink.end(trailers)),
      fail: (error) => this.over(() => sink.fail(error)),
    })
  }

  take(): Uint8Array | null | undefined {
    return this.failure ? undefined : this.from.take()
  }

  cancel(reason?: Error): void {
    this.isOver = true
    this.from.cancel(reason)
  }

  private stop(reason: Error): void {
    this.over(() => {
      this.failure = reason
      this.from.cancel(reason)
      this.sink?.fail(reason)
    })
  }

  private over(tell: () => void): void {
    if (this.isOver) return
    this.isOver = true
    tell()
  }
}

const ended: Flow = { pause() {}, resume() {} }
