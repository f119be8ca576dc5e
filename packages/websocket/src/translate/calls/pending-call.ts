import { type Context, GatewayError, type Reply, stopReason } from '@gatelet/core'
import type { Frame } from '../frame.ts'
import { itemOf, streamedAnswer, wholeAnswer } from './answers.ts'
import type { OutgoingCall } from './codec.ts'
import type { CallConnection } from './connection.ts'
import { FrameQueue } from './frame-queue.ts'
import type { CallSettings } from './settings.ts'

/** A connection was lost under a call that had no answer yet. */
export class ConnectionLost extends GatewayError {
  constructor(cause?: unknown) {
    super('UPSTREAM_RESET', cause === undefined ? {} : { cause })
  }
}

/** One call from when it is sent: it waits, it may be answered by one message or many, it is over. */
export class PendingCall {
  readonly id: string
  /** What the client gets. @throws ConnectionLost; GatewayError `UPSTREAM_HEADERS_TIMEOUT`, and why nobody waits any more */
  readonly reply: Promise<Reply>
  private readonly call: OutgoingCall
  private readonly ctx: Context
  private readonly connection: CallConnection
  private readonly settings: CallSettings
  private readonly onOver: () => void
  private answer!: { resolve(reply: Reply): void; reject(error: Error): void }
  private queue: FrameQueue | undefined
  private isOver = false
  private stopTimer = () => {}
  private stopStall: (() => void) | undefined
  private readonly undo: (() => void)[]

  constructor(
    id: string,
    call: OutgoingCall,
    ctx: Context,
    around: { connection: CallConnection; settings: CallSettings; onOver: () => void },
  ) {
    this.id = id
    this.call = call
    this.ctx = ctx
    this.connection = around.connection
    this.settings = around.settings
    this.onOver = around.onOver
    this.reply = new Promise((resolve, reject) => {
      this.answer = { resolve, reject }
    })
    this.arm()
    // The second is the net for a reply that nobody reads.
    this.undo = [ctx.onAbort(() => this.cancel(stopReason(ctx))), ctx.onFinish(() => this.cancel(left()))]
  }

  /** It has left. Where no message answers it, that is all. */
  sent(): void {
    if (this.call.sent && this.over()) this.answer.resolve(this.call.sent())
  }

  receive(frame: Frame, more: boolean): void {
    if (!this.queue && !more) this.whole(frame)
    else this.part(frame, more)
  }

  /** It gets no answer any more. */
  fail(error: Error): void {
    if (!this.over()) return
    if (this.queue) this.queue.fail(error)
    else this.answer.reject(error)
  }

  private whole(frame: Frame): void {
    if (!this.over()) return
    try {
      this.answer.resolve(this.call.answer?.(frame) ?? wholeAnswer(frame))
    } catch (error) {
      this.answer.reject(error as Error)
    }
  }

  private part(frame: Frame, more: boolean): void {
    if (!this.queue) {
      this.queue = new FrameQueue({ taken: () => this.taken(), left: () => this.cancel(left()) })
      const item = (each: Frame) => this.call.item?.(each) ?? itemOf(each)
      this.answer.resolve(streamedAnswer(this.queue, item, this.ctx, this.settings.clock))
    }
    this.queue.push(frame)
    if (!more) {
      if (this.over()) this.queue.end()
      return
    }
    this.arm()
    if (this.queue.held > this.settings.maxBufferedBytes) this.holdUp()
  }

  // The connection is shared: what its client does not read now holds up the others, and not for long.
  private holdUp(): void {
    if (this.stopStall) return
    this.connection.pause(this)
    const late = () => this.cancel(new GatewayError('OVERLOADED', { message: 'a client does not read its answer' }))
    this.stopStall = this.settings.clock.setTimer(late, this.settings.stallMs)
  }

  private taken(): void {
    if (!this.stopStall || (this.queue?.held ?? 0) > this.settings.maxBufferedBytes / 2) return
    this.goOn()
    if (!this.isOver) this.arm()
  }

  private goOn(): void {
    this.stopStall?.()
    this.stopStall = undefined
    this.connection.resume(this)
  }

  private arm(): void {
    this.stopTimer()
    this.stopTimer = this.settings.clock.setTimer(() => this.late(), this.settings.timeoutMs)
  }

  private late(): void {
    // Not the server's fault.
    if (this.stopStall) this.arm()
    else this.cancel(new GatewayError(this.queue ? 'UPSTREAM_BODY_TIMEOUT' : 'UPSTREAM_HEADERS_TIMEOUT'))
  }

  private cancel(why: Error): void {
    if (this.isOver) return
    if (this.call.cancel !== undefined) this.connection.send(this.call.cancel)
    this.fail(why)
  }

  /** @returns whether it was not over until now */
  private over(): boolean {
    if (this.isOver) return false
    this.isOver = true
    this.stopTimer()
    if (this.stopStall) this.goOn()
    for (const undo of this.undo) undo()
    this.connection.forget(this)
    this.onOver()
    return true
  }
}

const left = () => new GatewayError('CLIENT_CLOSED')
