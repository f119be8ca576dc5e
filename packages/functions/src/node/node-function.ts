import { type IncomingMessage, ServerResponse } from 'node:http'
import { type Context, GatewayError, type Handler, HeaderList, options, PushSource, type Reply, stopReason } from '@gatelet/core'
import { abortRequest, nodeRequest } from './node-request.ts'
import { announcedLength, bytesOf, callbackOf, headersOf, nodeError, setFields } from './node-response.ts'

/** A function of `node:http`: a listener of a server, a function of Google's or Vercel's, a whole Express application. */
export type NodeFunction = (req: IncomingMessage, res: ServerResponse) => unknown

/**
 * Answers requests by a function of `node:http` in this process, without a socket between. It gets the request as layers have left
 * it. Bodies stream both ways with back-pressure; when the client leaves, `req` and `res` are closed, as on a server.
 *
 * A function that neither answers nor fails is waited for, as it would be on a server: put `timeout` in front of it.
 * @throws GatewayError `BAD_OPTION`; when it is asked: what the function throws before it has answered, and what its promise rejects with
 * @example router.mount('/legacy/*rest', nodeFunction(express().get('/legacy/hello', (req, res) => res.send('hello'))))
 */
export function nodeFunction(fn: NodeFunction): Handler {
  const ask = options.fn<NodeFunction>('a function of a request and a response of node:http')(fn, 'fn')
  return (ctx) => {
    if (ctx.request.kind === 'upgrade') throw new GatewayError('UPGRADE_UNSUPPORTED')
    return new Promise<Reply>((resolve, reject) => new Call(ctx, resolve, reject).ask(ask))
  }
}

/** One request and its response, without a connection. */
class Call {
  private readonly ctx: Context
  private readonly resolve: (reply: Reply) => void
  private readonly reject: (error: unknown) => void
  private readonly req: IncomingMessage
  private readonly res: ServerResponse
  private readonly body: PushSource
  private isHeadWritten = false
  private isHeadOut = false
  private isEnded = false
  private isClosed = false

  constructor(ctx: Context, resolve: (reply: Reply) => void, reject: (error: unknown) => void) {
    this.ctx = ctx
    this.resolve = resolve
    this.reject = reject
    this.req = nodeRequest(ctx)
    this.res = new ServerResponse(this.req)
    // Nothing is written to it. Who waits for the end of an answer looks at it, and listens to its 'close'.
    Object.defineProperty(this.res, 'socket', { value: this.req.socket, writable: true, configurable: true })
    this.body = new PushSource({
      pause() {},
      resume: () => void this.res.emit('drain'),
      cancel: () => this.close(),
    })
    this.takeOver()
    ctx.onAbort(() => this.left())
  }

  ask(fn: NodeFunction): void {
    const failed = (error: unknown) => this.failed(error)
    try {
      const returned = fn(this.req, this.res)
      if (returned instanceof Promise) returned.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  // Properties of its own, since frameworks put another prototype under a response.
  private takeOver(): void {
    const { res } = this
    const own = {
      writeHead: (status: number, ...rest: unknown[]) => this.writeHead(status, rest),
      write: (chunk: unknown, encoding?: unknown, done?: unknown) => this.write(chunk, encoding, done),
      end: (chunk?: unknown, encoding?: unknown, done?: unknown) => this.end(chunk, encoding, done),
      flushHeaders: () => void this.openHead(undefined),
      destroy: (error?: unknown) => this.destroy(error),
      writeContinue: (done?: unknown) => called(done),
      writeProcessing: (done?: unknown) => {
        this.ctx.inform(102, new HeaderList())
        called(done)
      },
      writeEarlyHints: (hints: Record<string, string | string[]>, done?: unknown) => {
        this.hint(hints)
        called(done)
      },
    }
    for (const [name, value] of Object.entries(own)) {
      Object.defineProperty(res, name, { value, writable: true, configurable: true, enumerable: false })
    }
    Object.defineProperty(res, 'headersSent', { get: () => this.isHeadOut, configurable: true })
    Object.defineProperty(res, 'writableEnded', { get: () => this.isEnded, configurable: true })
    Object.defineProperty(res, 'writableFinished', { get: () => this.isEnded, configurable: true })
  }

  private writeHead(status: number, rest: unknown[]): ServerResponse {
    const { res } = this
    if (this.isHeadOut) throw nodeError('ERR_HTTP_HEADERS_SENT', 'Cannot write headers after they are sent to the client')
    res.statusCode = status
    setFields(res, rest)
    this.isHeadWritten = true
    return res
  }

  /** @param whole the whole body, where it is here */
  private openHead(whole: Uint8Array | null | undefined): void {
    if (this.isHeadOut) return
    const { res } = this
    // By its property: who wants to change the head at the last moment has put a function there.
    if (!this.isHeadWritten) res.writeHead(res.statusCode)
    this.isHeadOut = true
    const headers = headersOf(res, this.ctx.request.method)
    if (whole === undefined) this.body.length = announcedLength(res)
    this.resolve({ status: res.statusCode, headers, body: whole === undefined ? this.body : whole })
  }

  private write(chunk: unknown, encoding: unknown, done: unknown): boolean {
    const callback = callbackOf(encoding, done)
    if (this.isEnded || this.res.destroyed) {
      const error = nodeError('ERR_STREAM_WRITE_AFTER_END', 'write after end')
      process.nextTick(() => (callback ? callback(error) : undefined))
      return false
    }
    this.openHead(undefined)
    const hasRoom = this.push(bytesOf(chunk, encoding))
    if (callback) process.nextTick(callback)
    return hasRoom
  }

  private push(bytes: Uint8Array): boolean {
    return bytes.byteLength === 0 || this.body.push(bytes)
  }

  private end(chunk: unknown, encoding: unknown, done: unknown): ServerResponse {
    const { res } = this
    if (typeof chunk === 'function') return this.end(undefined, undefined, chunk)
    const callback = callbackOf(encoding, done)
    if (callback) res.once('finish', callback)
    if (this.isEnded) return res
    const last = chunk === undefined || chunk === null ? undefined : bytesOf(chunk, encoding)
    this.isEnded = true
    if (!this.isHeadOut) this.openHead(last ?? null)
    else {
      if (last) this.push(last)
      this.body.end()
    }
    res.finished = true
    process.nextTick(() => {
      res.emit('finish')
      this.close()
    })
    return res
  }

  private hint(hints: Record<string, string | string[]>): void {
    const list = new HeaderList()
    for (const [name, values] of Object.entries(hints)) for (const value of [values].flat()) list.append(name, value)
    this.ctx.inform(103, list)
  }

  private destroy(error: unknown): ServerResponse {
    if (!this.isEnded) this.failed(error ?? new GatewayError('INTERNAL', { message: 'the function destroyed its response' }))
    return this.res
  }

  private failed(error: unknown): void {
    if (this.isHeadOut) {
      this.body.fail(error instanceof Error ? error : new Error(String(error)))
      this.close()
    } else {
      this.reject(error)
      this.close()
    }
  }

  private left(): void {
    if (this.isEnded) return
    abortRequest(this.req, nodeError('ECONNRESET', 'aborted'))
    if (!this.isHeadOut) this.reject(stopReason(this.ctx))
    this.close()
  }

  private close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.res.destroyed = true
    this.res.emit('close')
    if (!this.req.readableEnded) this.req.destroy()
    this.req.socket.destroy()
  }
}

const called = (done: unknown): void => {
  if (typeof done === 'function') process.nextTick(done)
}
