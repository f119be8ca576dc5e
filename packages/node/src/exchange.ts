import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Context, GatewayError, type HeaderList, type Reply } from '@gatelet/core'
import type { Adapter } from './adapter.ts'
import { BaseExchange } from './base-exchange.ts'
import type { Connection } from './connection.ts'
import { writeInterim } from './interim.ts'
import { lingerAtClose } from './lingering-close.ts'
import { type ReplyHead, replyHead } from './reply-head.ts'
import { NodeRequest } from './request.ts'

/** One request of `node:http` and its reply. It ends when the reply is out, or when the connection is gone. */
export class HttpExchange extends BaseExchange {
  readonly request: NodeRequest
  res: ServerResponse
  readonly connection: Connection
  protected readonly context: Context

  constructor(
    adapter: Adapter,
    connection: Connection,
    req: IncomingMessage,
    res: ServerResponse,
    kind: 'request' | 'upgrade',
    expectsContinue = false,
  ) {
    super(adapter)
    this.connection = connection
    this.res = res
    this.request = new NodeRequest(adapter, connection, req, kind, expectsContinue ? () => this.sendContinue() : undefined)
    this.context = this.core.open(this.request)
    connection.opened(this)
    onceFlushed(res, this)
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

  get drainEmitter(): EventEmitter {
    return this.res
  }

  /** The server cannot wait any longer. */
  cut(error: GatewayError): void {
    this.cutBy(error)
    this.connection.socket.destroy()
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

  protected get isHeadOut(): boolean {
    return this.res.headersSent
  }

  protected get statusOut(): number {
    return this.res.statusCode
  }

  protected override refuse(error: GatewayError): void {
    super.refuse(error)
    // Whatever stands behind a request that is read in two ways may be part of it.
    this.connection.isClosing = true
  }

  protected override mustEnd(): void {
    this.connection.mustClose = true
  }

  protected destroy(): void {
    // Where the body ends with the connection, an orderly end would make it look whole.
    if (this.request.protocol === '1.0') this.connection.socket.resetAndDestroy()
    else this.res.destroy() // Waits until the replies before it have left.
  }

  protected detach(): void {
    this.connection.over(this)
  }

  private sendContinue(): void {
    if (!this.res.headersSent && !this.core.isOver) this.res.writeContinue()
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
