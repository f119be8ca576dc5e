import { Readable } from 'node:stream'
import { GatewayError } from '@gatelet/core'
import type { DrainEmitter, ReplyOutput } from '@gatelet/node/toolkit'
import type { KoaContext } from './koa.ts'

/** Puts a reply on Koa's context, for Koa to write: the status, the body, and then all header fields as they are to be. */
export class KoaOutput implements ReplyOutput, DrainEmitter {
  private readonly ctx: KoaContext
  private readonly cancel: () => void
  private status = 0
  private hasContent = true
  private setHeaders: () => void = () => {}
  private stream: Readable | undefined
  private hasRoom: () => void = () => {}

  /** @param cancel nobody wants the rest of the body */
  constructor(ctx: KoaContext, cancel: () => void) {
    this.ctx = ctx
    this.cancel = cancel
  }

  /** @throws GatewayError `BAD_HEADER` for what Node does not take */
  begin(status: number, hasContent: boolean, setHeaders: () => void): void {
    this.status = status
    this.hasContent = hasContent
    this.setHeaders = setHeaders
    try {
      setHeaders()
    } catch (cause) {
      throw new GatewayError('BAD_HEADER', { cause })
    }
  }

  write(chunk: Uint8Array): boolean {
    return this.opened().push(chunk)
  }

  end(chunk?: Uint8Array): void {
    if (chunk) this.put(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    else if (this.stream) this.stream.push(null)
    // Not null, which makes a 204 and loses the type.
    else this.put(this.hasContent ? '' : null)
  }

  flushHeaders(): void {
    const { res } = this.ctx
    this.opened()
    // Not before Koa writes: until then, middleware around us may still set headers.
    res.once('pipe', () => {
      process.nextTick(() => {
        if (!res.headersSent && !res.destroyed) res.flushHeaders()
      })
    })
  }

  addTrailers(trailers: [string, string][]): void {
    this.ctx.res.addTrailers(trailers)
  }

  on(_event: 'drain', listener: () => void): void {
    this.hasRoom = listener
  }

  private opened(): Readable {
    if (this.stream) return this.stream
    const stream = new Readable({
      read: () => this.hasRoom(),
      destroy: (error, done) => {
        this.cancel()
        done(error)
      },
    })
    // Before Koa listens for it, an 'error' would end the process.
    stream.on('error', () => {})
    this.stream = stream
    this.put(stream)
    return stream
  }

  // Koa derives a status, a type and a length from a body, and takes them away for none: ours have the last word.
  private put(body: Buffer | Readable | string | null): void {
    const { ctx } = this
    if (body === null) ctx.res.removeHeader('content-type')
    ctx.status = this.status
    ctx.body = body
    ctx.status = this.status
    this.setHeaders()
    // It would keep events back until it has enough to pack; it can be told not to, or, by who wants it to, to flush.
    if (/^\s*text\/event-stream\b/i.test(String(ctx.res.getHeader('content-type')))) ctx.compress ??= false
  }
}
