import type { ServerResponse } from 'node:http'
import { GatewayError, HeaderList, type MaybePromise, PushSource, type Reply } from '@gatelet/core'
import {
  changeHeaders,
  frameBody,
  hasContent,
  type ReplyHead,
  rawHeaders,
  restoreHeaders,
  setHeaders,
} from '@gatelet/node/toolkit'
import { type ExpressExchange, type Fields, headersSent, intercept, type Listener, type Outlet } from './intercept.ts'
import { Room } from './room.ts'
import { bytesOf, type Callback, type Encoding, failureOf, pairsOf, setFields, wholeOf } from './written.ts'

/**
 * Stands in front of a response from the moment a layer asks on: takes what the handlers behind it write and makes a Reply of
 * it, which the layers then see. To the handlers it behaves as the response itself: they get its errors, its back-pressure,
 * their call-backs and 'drain'. At most about 64 KiB are held until somebody reads; `write` is false from then on.
 */
export class Hold implements Outlet {
  /** What the handlers have answered, as soon as they have. */
  reply: Reply | undefined
  /** What stood there before, and by which the reply goes out. */
  readonly outlet: Outlet
  /** The hold that was there before, whether it stands outside of this one by the prototype or not. */
  readonly outer: Hold | undefined
  /** Another reply goes out, and the handlers have not answered yet: they may do so still, and nothing comes of it. */
  isPassedOver = false
  /** Who waits for room; made for the first who does. */
  room: Room | undefined
  private readonly exchange: ExpressExchange
  private readonly headersBefore: ReturnType<ServerResponse['getHeaders']>
  private answeredStatus = 0
  private answeredHeaders: readonly string[] = []
  private source: PushSource | undefined
  private trailers: HeaderList | undefined
  private settle: ((reply: Reply) => void) | undefined
  private refuse: ((error: Error) => void) | undefined
  private isHeadWritten = false
  private isEnded = false
  private isReleased = false
  /** Nobody wants what the handlers still write. */
  private isUnwanted = false

  constructor(exchange: ExpressExchange) {
    this.exchange = exchange
    this.headersBefore = exchange.res.getHeaders()
    this.outer = exchange.newest
    this.outlet = intercept(exchange, this)
  }

  /** Whether the handlers have done what they were asked for. */
  get isAnswered(): boolean {
    return this.isEnded
  }

  /** The reply: at once where the handlers have answered by now. */
  answer(): MaybePromise<Reply> {
    if (this.reply) return this.reply
    const answer = new Promise<Reply>((resolve, reject) => {
      this.settle = resolve
      this.refuse = reject
    })
    // A layer may have forgotten it by the time when it is refused.
    answer.catch(() => {})
    return answer
  }

  /** Writes the head of what the layers have made of the reply, or answered instead. */
  writeOut(reply: Reply, head: ReplyHead): void {
    const { res } = this.exchange
    this.exchange.believe(false, false)
    if (reply === this.reply) {
      changeHeaders(res, this.answeredHeaders, reply.headers)
      if (head.raw !== reply.headers.raw) frameBody(res, head)
    } else {
      restoreHeaders(res, this.headersBefore)
      setHeaders(res, head)
      this.isPassedOver = !this.reply
    }
    // Node makes the phrase of the new status itself.
    if (reply !== this.reply || reply.status !== this.answeredStatus) res.statusMessage = ''
    this.outlet.writeHead(reply.status)
  }

  /** Lets the response go, as it was, for the framework's error handling. @returns false while handlers are writing to it */
  release(): boolean {
    if (this.source && !this.isEnded) return false
    const { exchange } = this
    this.isReleased = true
    exchange.statusOut = undefined
    exchange.believe(false, false)
    restoreHeaders(exchange.res, this.headersBefore)
    exchange.res.statusMessage = ''
    return true
  }

  /** Nothing of what the handlers write will be used any more. */
  over(reason: Error | undefined): void {
    if (this.reply && (!this.source || this.source.isOver)) return
    const error =
      reason ?? new GatewayError('CLIENT_CLOSED', { message: 'another reply was out before the handlers had answered' })
    this.refuse?.(error)
    this.source?.fail(error)
    this.drop()
  }

  /** What the handlers have begun will not be finished. */
  break(error: Error): void {
    if (this.source) this.source.fail(error)
    else this.exchange.breakOff(error)
  }

  writeHead(status: number, reason?: string | Fields, fields?: Fields): ServerResponse {
    const { res } = this.exchange
    if (this.isReleased) return this.outlet.writeHead(status, reason, fields)
    if (this.isHeadWritten) throw headersSent('write')
    if (!(status >= 100 && status <= 999)) {
      throw Object.assign(new RangeError(`Invalid status code: ${status}`), { code: 'ERR_HTTP_INVALID_STATUS_CODE' })
    }
    res.statusCode = Math.trunc(status)
    if (typeof reason === 'string') res.statusMessage = reason
    setFields(res, typeof reason === 'string' ? fields : (reason ?? fields))
    this.isHeadWritten = true
    this.answeredStatus = res.statusCode
    this.answeredHeaders = rawHeaders(res)
    this.exchange.believe(true, false)
    return res
  }

  flushHeaders(): void {
    if (this.isReleased) {
      this.outlet.flushHeaders()
    } else {
      this.implyHead()
      this.begin()
    }
  }

  addTrailers(trailers: Fields): void {
    if (this.isReleased) this.outlet.addTrailers(trailers)
    else this.trailers = new HeaderList(pairsOf(trailers))
  }

  write(chunk: unknown, encoding?: Encoding, callback?: Callback): boolean {
    if (typeof encoding === 'function') return this.write(chunk, undefined, encoding)
    if (this.isReleased) return this.outlet.write(chunk, encoding, callback)
    const bytes = bytesOf(chunk, encoding)
    const { res } = this.exchange
    // Finished by another reply: these handlers are not to wait for room that nobody makes, nor to be told of an error.
    const isGone = res.destroyed && !(this.isUnwanted && res.writableFinished)
    if (this.isEnded || isGone) {
      this.refuseWrite(this.isEnded ? 'ERR_STREAM_WRITE_AFTER_END' : 'ERR_STREAM_DESTROYED', callback)
      return false
    }
    this.implyHead()
    const source = this.begin()
    if (!source || this.isUnwanted || source.push(bytes)) {
      if (callback) process.nextTick(callback)
      return true
    }
    this.room ??= new Room()
    this.room.await(callback)
    return false
  }

  end(chunk?: unknown, encoding?: Encoding, callback?: Callback): ServerResponse {
    if (typeof chunk === 'function') return this.end(undefined, undefined, chunk as Callback)
    if (typeof encoding === 'function') return this.end(chunk, undefined, encoding)
    const { res, exchange } = this
    if (this.isReleased) return this.outlet.end(chunk, encoding, callback)
    if (this.isEnded) return this.endAgain(chunk, callback)
    const body = chunk === undefined || chunk === null || chunk === '' ? null : wholeOf(chunk, encoding)
    this.implyHead()
    this.isEnded = true
    exchange.believe(true, true)
    if (callback && res.writableFinished) process.nextTick(callback)
    else if (callback) res.once('finish', callback)
    if (!this.source && !this.trailers) {
      this.answered(this.hasContent ? body : null)
      return res
    }
    const source = this.begin()
    if (body !== null) source?.push(typeof body === 'string' ? Buffer.from(body) : body)
    source?.end(this.trailers)
    return res
  }

  // Who writes here waits for room here. The response's own 'drain' tells of the socket, to who writes to that.
  on(event: string | symbol, listener: Listener): ServerResponse {
    if (event !== 'drain' || this.isReleased) return this.outlet.on(event, listener)
    this.room ??= new Room()
    this.room.on(listener)
    return this.res
  }

  private get res(): ServerResponse {
    return this.exchange.res
  }

  private get hasContent(): boolean {
    return hasContent(this.exchange.req.method as string, this.answeredStatus)
  }

  // By the response's own name for it: who waits for the head (`on-headers`) has put itself there.
  private implyHead(): void {
    if (!this.isHeadWritten) this.res.writeHead(this.res.statusCode)
  }

  /** The answer begins: its body comes bit by bit. Undefined where it has none. */
  private begin(): PushSource | undefined {
    if (this.reply) return this.source
    if (!this.hasContent) {
      this.answered(null)
      return undefined
    }
    const source = new PushSource({ pause() {}, resume: () => this.room?.made(), cancel: () => this.drop() })
    const length = this.res.getHeader('content-length')
    if (length !== undefined && /^\d+$/.test(String(length))) source.length = Number(length)
    this.source = source
    this.answered(source)
    return source
  }

  private answered(body: Reply['body']): void {
    if (this.reply) return
    this.reply = { status: this.answeredStatus, headers: HeaderList.fromRaw(this.answeredHeaders.slice()), body }
    this.settle?.(this.reply)
  }

  private drop(): void {
    this.isUnwanted = true
    this.room?.made()
  }

  private endAgain(chunk: unknown, callback: Callback | undefined): ServerResponse {
    const { res } = this
    if (chunk) this.refuseWrite('ERR_STREAM_WRITE_AFTER_END', callback)
    else if (callback && !res.writableFinished) res.once('finish', callback)
    else if (callback) process.nextTick(callback, failureOf('ERR_STREAM_ALREADY_FINISHED'))
    return res
  }

  private refuseWrite(code: string, callback: Callback | undefined): void {
    const error = failureOf(code)
    process.nextTick(() => {
      callback?.(error)
      // Node ends the process where nobody listens. The reply is not the worse for it.
      if (!this.res.destroyed && this.res.listenerCount('error') > 0) this.res.emit('error', error)
    })
  }
}
