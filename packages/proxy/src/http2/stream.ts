import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2'
import { Readable } from 'node:stream'
import { GatewayError } from '@gatelet/core'
import type { Connection } from '../connection.ts'
import type { Call } from '../connections.ts'
import type { ProxySettings } from '../options.ts'
import { answeredFields, requestFields } from './headers.ts'
import type { UpstreamSession } from './session.ts'

/** One request on a connection of HTTP/2: tells its call what undici would, and ends exactly once. */
export class UpstreamStream implements Connection {
  readonly served: number
  private readonly session: UpstreamSession
  private readonly call: Call
  private readonly settings: ProxySettings
  private stream: ClientHttp2Stream | undefined
  private body: Readable | undefined
  private hasHead = false
  private hasEnded = false
  private isOver = false
  private trailers: Buffer[] = []
  private cancelTimer: () => void = () => {}

  constructor(session: UpstreamSession, call: Call, settings: ProxySettings) {
    this.session = session
    this.served = session.served
    this.call = call
    this.settings = settings
  }

  withdraw(): boolean {
    if (this.stream || this.isOver) return false
    this.isOver = true
    return true
  }

  done(): void {
    this.session.over(this)
  }

  destroy(): void {
    this.stream?.close(constants.NGHTTP2_CANCEL)
  }

  /** The connection is there. */
  begin(session: ClientHttp2Session): void {
    const { call } = this
    if (this.isOver) return
    try {
      call.onConnect?.((error?: Error) => this.fail(error ?? new GatewayError('CLIENT_CLOSED')))
      const { body, headers, method, path } = call.options
      const fields = requestFields(headers as string[], this.authority)
      const bytes = body instanceof Uint8Array ? body : undefined
      if (bytes) fields['content-length'] = String(bytes.byteLength)
      const head = { ...fields, ':method': method, ':path': path, ':scheme': this.scheme(session) }
      const stream = session.request(head, { endStream: body === null || body === undefined })
      this.stream = stream
      this.listen(stream)
      this.send(stream, bytes ?? (body instanceof Readable ? body : undefined))
    } catch (error) {
      this.fail(error as Error)
    }
  }

  /** It came to nothing, for whatever reason. */
  fail(error: Error): void {
    if (this.isOver) return
    this.over()
    this.stream?.close(constants.NGHTTP2_CANCEL)
    this.call.onError?.(error)
  }

  private get authority(): string {
    return (this.call.options as { servername?: string }).servername ?? ''
  }

  private scheme({ encrypted }: ClientHttp2Session): string {
    return encrypted ? 'https' : 'http'
  }

  private listen(stream: ClientHttp2Stream): void {
    // What it means is told by 'close'; unheard, it would end the process.
    stream.on('error', () => {})
    stream.on('headers', (...args: unknown[]) => this.interim(args))
    stream.on('response', (...args: unknown[]) => this.answered(stream, args))
    stream.on('trailers', (...args: unknown[]) => {
      this.trailers = answeredFields(args[2] as string[])
    })
    stream.on('end', () => this.ended())
    stream.on('close', () => this.closed(stream))
  }

  private send(stream: ClientHttp2Stream, body: Uint8Array | Readable | undefined): void {
    if (body instanceof Readable) {
      this.body = body
      body.on('data', (chunk: Uint8Array) => {
        this.call.onBodySent?.(chunk.byteLength, chunk.byteLength)
        if (!stream.destroyed && !stream.closed && !stream.write(chunk)) body.pause()
      })
      stream.on('drain', () => body.resume())
      body.on('end', () => {
        if (!stream.destroyed && !stream.closed) stream.end()
        this.sent()
      })
      body.on('error', (error) => this.fail(error))
      return
    }
    if (body) stream.end(body)
    // Handed over, so that the upstream may have seen it.
    this.sent()
  }

  private sent(): void {
    const { call } = this
    if (this.isOver) return
    call.onRequestSent()
    if (!this.hasHead) this.limit(call.options.headersTimeout, 'UPSTREAM_HEADERS_TIMEOUT')
  }

  private interim([headers, , raw]: unknown[]): void {
    this.guarded(() => {
      this.call.onResponseStarted?.()
      this.call.onHeaders?.(Number((headers as IncomingHttpHeaders)[':status']), answeredFields(raw as string[]), () => {}, '')
    })
  }

  private answered(stream: ClientHttp2Stream, [headers, flags, raw]: unknown[]): void {
    this.guarded(() => {
      const { call } = this
      call.onResponseStarted?.()
      this.hasHead = true
      this.limitBody(stream)
      const status = Number((headers as IncomingHttpHeaders)[':status'])
      const goesOn = call.onHeaders?.(status, answeredFields(raw as string[]), () => this.resume(stream), '')
      stream.on('data', (chunk: Buffer) => this.received(stream, chunk))
      // At once, so that a head with nothing behind it goes on as one: gRPC reads its status there only.
      if ((flags as number) & constants.NGHTTP2_FLAG_END_STREAM) this.ended()
      else if (goesOn === false) this.pause(stream)
    })
  }

  private received(stream: ClientHttp2Stream, chunk: Buffer): void {
    this.guarded(() => {
      this.limitBody(stream)
      if (this.call.onData?.(chunk) === false) this.pause(stream)
    })
  }

  private pause(stream: ClientHttp2Stream): void {
    // Not while the client is the slow one.
    this.cancelTimer()
    stream.pause()
  }

  private resume(stream: ClientHttp2Stream): void {
    if (this.isOver) return
    this.limitBody(stream)
    stream.resume()
  }

  private ended(): void {
    const { stream } = this
    // A stream that is reset without an error looks to Node like one that is done; only with an answer it may be.
    if (this.isOver || !this.hasHead || (stream?.closed && stream.rstCode !== constants.NGHTTP2_NO_ERROR)) return
    this.hasEnded = true
    this.session.served++
    this.guarded(() => {
      this.over()
      // It was answered before everything was sent: nobody needs the rest.
      if (stream && !stream.writableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
      this.body?.destroy()
      this.call.onComplete?.(this.trailers as never)
    })
  }

  private closed({ rstCode }: ClientHttp2Stream): void {
    if (this.isOver || this.hasEnded) return
    // RFC 9113 §8.7: nothing was done, so that even what must not be done twice may be sent again.
    if (rstCode === constants.NGHTTP2_REFUSED_STREAM) this.call.notProcessed()
    const message = `the upstream closed the stream with code ${rstCode}`
    this.fail(new GatewayError('UPSTREAM_RESET', { message }))
  }

  private limitBody(stream: ClientHttp2Stream): void {
    if (!stream.isPaused()) this.limit(this.call.options.bodyTimeout, 'UPSTREAM_BODY_TIMEOUT')
  }

  /** @param ms undefined, null or 0: no bound */
  private limit(ms: number | null | undefined, code: 'UPSTREAM_HEADERS_TIMEOUT' | 'UPSTREAM_BODY_TIMEOUT'): void {
    this.cancelTimer()
    this.cancelTimer = ms ? this.settings.clock.setTimer(() => this.fail(new GatewayError(code)), ms) : () => {}
  }

  // What a call-back throws is the end of this request, and of nothing else on the connection.
  private guarded(work: () => void): void {
    if (this.isOver) return
    try {
      work()
    } catch (error) {
      this.isOver = false
      this.fail(error as Error)
    }
  }

  private over(): void {
    this.isOver = true
    this.cancelTimer()
    const { body } = this
    if (body && !body.readableEnded) body.destroy()
  }
}
