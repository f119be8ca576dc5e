import {
  type Context,
  exchangeOf,
  type Flow,
  GatewayError,
  type HeaderList,
  PushSource,
  publish,
  type Reply,
  type Sink,
  type Source,
  sourceOf,
  systemClock,
} from '@gatelet/core'
import { type Status, statusOfError } from '../status.ts'
import { FrameReader } from '../wire/frames.ts'
import { statusIn } from '../wire/status-fields.ts'
import { AnswerWriter, type StreamFormat, streamFormat, streamType } from './answer-format.ts'
import type { Binding } from './binding.ts'
import { badMessage, CallError, messageIn, noStatus, statusOfCall } from './call-error.ts'
import { headersOf } from './metadata.ts'
import type { JsonSettings } from './settings.ts'
import { statusJson, statusReply } from './status-body.ts'

// So long the head waits for the first message, so that a call that fails at once has its status there.
const HEAD_MS = 1_000

/** What a stream of messages is made with. */
export interface StreamedCall {
  readonly ctx: Context
  readonly binding: Binding
  readonly settings: JsonSettings
  /** What was not right with the request, which is still being sent. */
  fault(): CallError | undefined
}

/** The reply for a call that is answered by a stream of messages. */
export function streamedReply(reply: Reply, call: StreamedCall): Promise<Reply> {
  return new Promise((resolve) => new JsonStream(reply, call, resolve).start())
}

class JsonStream implements Sink {
  private readonly metadata: HeaderList
  private readonly call: StreamedCall
  private readonly settings: JsonSettings
  private readonly ctx: Context
  private readonly source: Source
  private readonly reader: FrameReader
  private readonly writer: AnswerWriter
  private readonly format: StreamFormat
  private readonly out: PushSource
  private readonly resolve: (reply: Reply) => void
  private cancelTimer: () => void = () => {}
  private flow: Flow | undefined
  private hasHead = false
  private isOver = false
  private count = 0

  constructor(reply: Reply, call: StreamedCall, resolve: (reply: Reply) => void) {
    const { ctx, binding, settings } = call
    this.metadata = reply.headers
    this.call = call
    this.settings = settings
    this.ctx = ctx
    this.resolve = resolve
    this.source = sourceOf(reply.body)
    this.reader = new FrameReader(settings.maxMessageBytes)
    this.writer = new AnswerWriter(binding, settings)
    this.format = streamFormat(ctx.request.headers)
    this.out = new PushSource({
      pause: () => this.flow?.pause(),
      resume: () => this.flow?.resume(),
      cancel: (reason) => this.source.cancel(reason),
    })
  }

  start(): void {
    const clock = exchangeOf(this.ctx)?.clock ?? systemClock
    this.cancelTimer = clock.setTimer(() => this.begin(this.type), HEAD_MS)
    this.flow = this.source.pipeTo(this)
  }

  write(chunk: Uint8Array): boolean {
    if (this.isOver) return true
    let hasRoom = true
    try {
      this.reader.push(chunk, (frame) => {
        hasRoom = this.message(messageIn(frame))
      })
    } catch (error) {
      this.source.cancel()
      this.broken(statusOfCall(error))
    }
    return hasRoom
  }

  end(trailers?: HeaderList): void {
    const status = statusIn(trailers) ?? statusIn(this.metadata) ?? noStatus
    if (status.code !== 0) this.broken(status)
    else if (!this.reader.isBetween) this.broken(badMessage)
    else this.done(trailers)
  }

  fail(error: Error): void {
    this.broken(this.call.fault()?.status ?? statusOfError(error))
  }

  private message(data: Uint8Array): boolean {
    const { contentType, bytes } = this.written(data)
    this.begin(this.writer.isRaw ? contentType : this.type)
    const before = this.format === 'array' && !this.writer.isRaw ? (this.count === 0 ? '[' : ',') : ''
    this.count++
    return this.out.push(this.writer.isRaw ? bytes : framed(this.format, before, bytes))
  }

  private written(data: Uint8Array): { contentType: string; bytes: Uint8Array } {
    try {
      return this.writer.write(data)
    } catch {
      throw new CallError('INTERNAL', badMessage.message)
    }
  }

  private done(trailers: HeaderList | undefined): void {
    if (this.isOver) return
    this.isOver = true
    this.begin(this.type)
    if (this.format === 'array' && !this.writer.isRaw) this.out.push(Buffer.from(this.count === 0 ? '[]\n' : ']\n'))
    const last = headersOf(trailers)
    this.out.end(last.raw.length > 0 ? last : undefined)
  }

  /** The call has failed: in the head, where that is still to come, and else behind the messages, which then have no clean end. */
  private broken(status: Status): void {
    if (this.isOver) return
    this.isOver = true
    const { registry, writing } = this.settings
    if (!this.hasHead) {
      this.answer(statusReply(status, registry, writing, headersOf(this.metadata)))
      return
    }
    const error = new GatewayError('UPSTREAM_RESET', {
      message: `a call of gRPC ended with status ${status.code}: ${status.message}`,
    })
    if (!this.writer.isRaw) {
      const json = Buffer.from(JSON.stringify({ error: statusJson(status, registry, writing) }))
      this.out.push(framed(this.format, this.format === 'array' ? (this.count === 0 ? '[' : ',') : '', json, 'error'))
    }
    // In another turn, when what was written has left.
    setImmediate(() => {
      publish('request:failed', { context: this.ctx, error })
      this.out.fail(error)
    })
  }

  private begin(contentType: string): void {
    if (this.hasHead) return
    const headers = headersOf(this.metadata)
    headers.set('content-type', contentType)
    if (this.format === 'sse' && !headers.has('cache-control')) headers.set('cache-control', 'no-store')
    this.answer({ status: 200, headers, body: this.out })
  }

  private answer(reply: Reply): void {
    this.hasHead = true
    this.cancelTimer()
    this.resolve(reply)
  }

  private get type(): string {
    return this.writer.isRaw ? 'application/octet-stream' : streamType[this.format]
  }
}

function framed(format: StreamFormat, before: string, json: Uint8Array, event?: string): Uint8Array {
  // JSON as it is written here has no line breaks, so that nothing in it can end a line or an event.
  if (format === 'sse')
    return Buffer.concat([Buffer.from(`${event ? `event: ${event}\n` : ''}data: `), json, Buffer.from('\n\n')])
  return Buffer.concat([Buffer.from(before), json, Buffer.from(format === 'ndjson' ? '\n' : '')])
}
