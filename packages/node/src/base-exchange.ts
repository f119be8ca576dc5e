import {
  type BodyBytes,
  type Context,
  Exchange,
  type ExchangeHost,
  failure,
  GatewayError,
  type HeaderList,
  type Reply,
  run,
  type Summary,
} from '@gatelet/core'
import type { Adapter } from './adapter.ts'
import { quietlyDiscard } from './quietly-discard.ts'
import type { ReplyHead } from './reply-head.ts'
import type { DrainEmitter, ReplyOutput, ReplyTarget, StreamedReply } from './streamed-reply.ts'
import { writeReply } from './write-reply.ts'

export type Upgrade = NonNullable<Reply['upgrade']>

/** What an exchange needs of its request. */
export interface ArrivedRequest {
  readonly method: string
  /** Why no layer may see it. */
  readonly refusal: GatewayError | undefined
  /** Bytes of the body that were read. */
  readonly received: number
  /** The rest of the body will not come. */
  fail(error: Error): void
  /** Nobody reads the body any more. */
  release(): void
}

/**
 * One request and its reply, whatever protocol carries them. It ends exactly once: when the reply is out, or when what
 * carries it is gone.
 */
export abstract class BaseExchange implements ExchangeHost, ReplyTarget {
  /** The reply that is being written, where its body comes bit by bit. */
  streamed: StreamedReply | undefined
  sentBytes = 0
  abstract readonly request: ArrivedRequest
  abstract readonly res: ReplyOutput
  protected readonly adapter: Adapter
  protected readonly core: Exchange
  protected abstract readonly context: Context
  protected isAnswered = false
  protected isRefused = false
  private brokenBy: GatewayError | undefined

  constructor(adapter: Adapter) {
    this.adapter = adapter
    this.core = new Exchange(this, adapter.clock)
  }

  /** Who says that there is room for more. */
  abstract get drainEmitter(): DrainEmitter
  /** @throws GatewayError `BAD_HEADER` */
  abstract writeHead(reply: Reply, length: number | undefined): ReplyHead
  abstract inform(status: 102 | 103, headers: HeaderList): void
  /** Whether the head of the reply has left. */
  protected abstract get isHeadOut(): boolean
  /** The status of a head that has left. */
  protected abstract get statusOut(): number
  /** Ends what carries the reply in a way that tells the client that something is missing. */
  protected abstract destroy(): void
  /** What carries the exchange is to forget it. */
  protected abstract detach(): void

  /** @param refusal why no layer may see the request */
  begin(refusal: GatewayError | undefined = this.request.refusal): void {
    if (refusal) this.refuse(refusal)
    else run(this.adapter.handler, this.context, (reply) => this.deliver(reply))
  }

  /** The server goes down: told to those whose work lasts. */
  drain(cutAt: number): void {
    this.core.drain(cutAt)
  }

  /** The body of the reply broke off. */
  replyFailed(error: Error): void {
    if (this.core.isOver) return
    this.streamed = undefined
    const reply = failure(error, this.context)
    if (this.isHeadOut) this.breakOff(error)
    else this.answer(reply)
  }

  /** The rest of the request will not come, or cannot be read. Answered if it still can be. */
  requestFailed(error: GatewayError): void {
    const isFirst = !this.isAnswered
    this.isAnswered = this.isRefused = true
    this.core.abort(error)
    this.request.fail(error)
    if (isFirst) {
      this.mustEnd()
      this.answer(failure(error, this.context))
    } else if (!this.res.writableEnded) {
      this.breakOff(error)
    }
  }

  /** Breaks the reply off. */
  breakOff(error: unknown): void {
    this.brokenBy ??= error instanceof GatewayError ? error : new GatewayError('INTERNAL', { cause: error })
    this.destroy()
  }

  /** What carries it is closed, and the reply is not out. */
  clientLeft(): void {
    if (this.core.isOver) return
    const { brokenBy } = this
    const reason = brokenBy ?? new GatewayError('CLIENT_CLOSED')
    this.core.abort(reason)
    this.streamed?.cancel()
    this.request.fail(reason)
    this.over(brokenBy ? 'failed' : 'aborted', this.isHeadOut ? this.statusOut : reason.status, brokenBy)
  }

  spawn(work: Promise<void>): void {
    this.adapter.spawn(work)
  }

  protected deliver(reply: Reply): void {
    // Too late: the client has left, or its request broke and was answered.
    if (this.isAnswered || this.core.isOver) {
      quietlyDiscard(reply)
      return
    }
    this.isAnswered = true
    const { upgrade, headers } = reply
    if (!upgrade) {
      this.answer(reply)
      return
    }
    quietlyDiscard(reply)
    this.switchOver(upgrade, headers)
  }

  protected switchOver(_upgrade: Upgrade, _headers: HeaderList): void {
    const message = 'a handler answered with an upgrade to a request that did not ask for one'
    this.answer(failure(new GatewayError('BAD_REPLY', { message }), this.context))
  }

  protected answer(reply: Reply): void {
    try {
      this.claimSocket()
      writeReply(this, reply)
    } catch (error) {
      quietlyDiscard(reply)
      this.answerError(error)
    }
  }

  protected refuse(error: GatewayError): void {
    this.isAnswered = this.isRefused = true
    this.mustEnd()
    this.answer(failure(error, this.context))
  }

  protected claimSocket(): void {}

  /** Nothing that the client sends behind this request can be trusted. */
  protected mustEnd(): void {}

  /** The server, not the client, is why it does not finish. */
  protected cutBy(error: GatewayError): void {
    this.brokenBy ??= error
  }

  protected get isBroken(): boolean {
    return this.brokenBy !== undefined
  }

  protected over(outcome: Summary['outcome'], status: number, error?: GatewayError): void {
    this.detach()
    this.core.finish(this.context, outcome, status, error, this.bytes)
    this.request.release()
  }

  /** Of the bodies; of a connection that was handed over, what passed since. */
  protected get bytes(): BodyBytes {
    return { receivedBytes: this.request.received, sentBytes: this.sentBytes }
  }

  private answerError(error: unknown): void {
    const reply = failure(error, this.context)
    try {
      if (this.isHeadOut) this.breakOff(error)
      else writeReply(this, reply)
    } catch (second) {
      this.breakOff(second)
    }
  }
}
