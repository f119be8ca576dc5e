import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type Context,
  discard,
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
import type { Connection } from './connection.ts'
import { writeInterim } from './interim.ts'
import { lingerAtClose } from './lingering-close.ts'
import { type ReplyHead, replyHead } from './reply-head.ts'
import { NodeRequest } from './request.ts'
import type { ReplyTarget, StreamedReply } from './streamed-reply.ts'
import { writeReply } from './write-reply.ts'

export type Upgrade = NonNullable<Reply['upgrade']>

/** One request of `node:http` and its reply. It ends exactly once: when the reply is out, or when the connection is gone. */
export class HttpExchange implements ExchangeHost, ReplyTarget {
  readonly request: NodeRequest
  readonly res: ServerResponse
  readonly connection: Connection
  /** The reply that is being written, where its body comes bit by bit. */
  streamed: StreamedReply | undefined
  protected readonly adapter: Adapter
  protected readonly context: Context
  protected readonly core: Exchange
  private isAnswered = false
  private isRefused = false
  private brokenBy: GatewayError | undefined

  constructor(
    adapter: Adapter,
    connection: Connection,
    req: IncomingMessage,
    res: ServerResponse,
    kind: 'request' | 'upgrade',
    expectsContinue = false,
  ) {
    this.adapter = adapter
    this.connection = connection
    this.res = res
    this.core = new Exchange(this, adapter.clock)
    this.request = new NodeRequest(adapter, connection, req, kind, expectsContinue ? () => this.sendContinue() : undefined)
    this.context = this.core.open(this.request)
    connection.opened(this)
    onceFlushed(res, this)
  }

  /** @param refusal why no layer may see the request */
  begin(refusal: GatewayError | undefined = this.request.refusal): void {
    if (refusal) this.refuse(refusal)
    else run(this.adapter.handler, this.context, (reply) => this.deliver(reply))
  }

  /** Whether no other reply follows so far. Only then may this one announce the end of the connection. */
  get isNewest(): boolean {
    return this.connection.isNewest(this)
  }

  /** Whether the reply has to be the last of its connection. */
  get mustClose(): boolean {
    const { connection, request } = this
    if (request.protocol === '1.0') return true
    return this.isNewest && (connection.mustClose || this.adapter.isClosing || request.hasLongRest)
  }

  /** @throws GatewayError `BAD_HEADER` */
  writeHead({ status, headers }: Reply, length: number | undefined): ReplyHead {
    const { res, request, connection, mustClose: close, isNewest: mayClose } = this
    const { method, protocol } = request
    const head = replyHead(headers.raw, { status, method, protocol, length, close, mayClose })
    if (head.wantsClose) connection.mustClose = true
    if (head.close) res.shouldKeepAlive = false
    if (protocol === '1.0') res.useChunkedEncodingByDefault = false
    try {
      res.writeHead(status, head.raw)
    } catch (cause) {
      res.statusMessage = '' // Node keeps the phrase of the status that it could not write.
      throw new GatewayError('BAD_HEADER', { cause })
    }
    if (head.close) this.closes()
    return head
  }

  /** The reply says that the connection ends with it. */
  closes(): void {
    this.connection.isClosing = true
    // Closed at once, what the client is still sending would reset the connection and take the reply with it.
    if (this.isRefused || this.request.isArriving) lingerAtClose(this.connection.socket, this.adapter.clock)
  }

  /** Who says that there is room for more. */
  get drainEmitter(): EventEmitter {
    return this.res
  }

  /** The body of the reply broke off. */
  replyFailed(error: Error): void {
    if (this.core.isOver) return
    this.streamed = undefined
    const reply = failure(error, this.context)
    if (this.res.headersSent) this.breakOff(error)
    else this.answer(reply)
  }

  /** The rest of the request will not come, or cannot be read. Answered if it still can be. */
  requestFailed(error: GatewayError): void {
    const isFirst = !this.isAnswered
    this.isAnswered = this.isRefused = true
    this.core.abort(error)
    this.request.fail(error)
    if (isFirst) {
      this.connection.mustClose = true
      this.answer(failure(error, this.context))
    } else if (!this.res.writableEnded) {
      this.breakOff(error)
    }
  }

  /** Ends the connection in a way that tells the client that something is missing. */
  breakOff(error: unknown): void {
    this.brokenBy ??= error instanceof GatewayError ? error : new GatewayError('INTERNAL', { cause: error })
    this.destroy()
  }

  /** The server cannot wait any longer. */
  cut(error: GatewayError): void {
    this.brokenBy ??= error
    this.connection.socket.destroy()
  }

  /** The socket is closed, and the reply is not out. */
  clientLeft(): void {
    if (this.core.isOver) return
    const { brokenBy, res } = this
    const reason = brokenBy ?? new GatewayError('CLIENT_CLOSED')
    this.core.abort(reason)
    this.streamed?.cancel()
    this.request.fail(reason)
    this.over(brokenBy ? 'failed' : 'aborted', res.headersSent ? res.statusCode : reason.status, brokenBy)
  }

  /** Everything was handed to the socket. */
  flushed(): void {
    const { socket } = this.connection
    // Node says so too when the rest could not be written.
    if (socket.destroyed || socket.errored) this.clientLeft()
    else this.over('finished', this.res.statusCode)
  }

  inform(status: 102 | 103, headers: HeaderList): void {
    if (this.request.protocol !== '1.0' && !this.res.headersSent) writeInterim(this.res, status, headers)
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

  protected claimSocket(): void {}

  protected destroy(): void {
    // Where the body ends with the connection, an orderly end would make it look whole.
    if (this.request.protocol === '1.0') this.connection.socket.resetAndDestroy()
    else this.res.destroy() // Waits until the replies before it have left.
  }

  protected over(outcome: Summary['outcome'], status: number, error?: GatewayError): void {
    this.connection.over(this)
    this.core.finish(this.context, outcome, status, error)
    this.request.release()
  }

  private answerError(error: unknown): void {
    const reply = failure(error, this.context)
    try {
      if (this.res.headersSent) this.breakOff(error)
      else writeReply(this, reply)
    } catch (second) {
      this.breakOff(second)
    }
  }

  private refuse(error: GatewayError): void {
    this.isAnswered = this.isRefused = true
    this.connection.mustClose = true
    this.answer(failure(error, this.context))
    // Whatever stands behind a request that is read in two ways may be part of it.
    this.connection.isClosing = true
  }

  private sendContinue(): void {
    if (!this.res.headersSent && !this.core.isOver) this.res.writeContinue()
  }
}

/** Ends the body of a reply that is not sent. One that throws at that must not keep the exchange from its end. */
function quietlyDiscard(reply: Reply): void {
  try {
    discard(reply.body)
  } catch (error) {
    process.emitWarning(`a body threw when it was cancelled: ${String(error)}`, 'GateletWarning')
  }
}

const key: unique symbol = Symbol('gatelet.exchange')

// One listener for all, so that no request needs a function of its own. In front of Node's: that one may close the socket,
// and then it could not be told from one that was closed before everything was out.
function onceFlushed(res: ServerResponse & { [key]?: HttpExchange }, exchange: HttpExchange): void {
  res[key] = exchange
  res.prependListener('finish', onFinish)
}

function onFinish(this: ServerResponse & { [key]?: HttpExchange }): void {
  this[key]?.flushed()
}
