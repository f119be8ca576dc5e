import { constants, type ServerHttp2Stream } from 'node:http2'
import { type BodyBytes, type Context, GatewayError, type HeaderList, publish, type Reply } from '@gatelet/core'
import type { Adapter } from '../adapter.ts'
import { BaseExchange, type Upgrade } from '../base-exchange.ts'
import { type ReplyHead, replyHead } from '../reply-head.ts'
import type { DrainEmitter } from '../streamed-reply.ts'
import type { Session } from './session.ts'
import { fieldsOf, StreamOutput } from './stream-output.ts'
import { StreamRequest } from './stream-request.ts'
import { UpgradedStream } from './upgraded-stream.ts'

// For each such piece that waits to be taken, the client has the time once more: a slow one is no stalled one.
const PIECE_BYTES = 65_536

/** One stream of HTTP/2. Its exchange ends when the reply is out, or when the stream is closed before. */
export class StreamExchange extends BaseExchange {
  readonly request: StreamRequest
  readonly res: StreamOutput
  protected readonly context: Context
  private readonly session: Session
  private readonly stream: ServerHttp2Stream
  private readonly beganAt: number
  private status = 0
  /** Set when it has become a WebSocket. */
  private upgraded: UpgradedStream | undefined
  private readonly seen = { progress: -1, at: 0 }

  /** @param raw the header fields as they came */
  constructor(adapter: Adapter, session: Session, stream: ServerHttp2Stream, raw: readonly string[]) {
    super(adapter)
    this.session = session
    this.stream = stream
    this.beganAt = adapter.clock.now()
    this.res = new StreamOutput(stream)
    this.request = new StreamRequest(adapter, session.peer, stream, raw, session.settings.maxHeaderBytes, () =>
      this.sendContinue(),
    )
    this.context = this.core.open(this.request)
    session.opened(this)
    stream.on('finish', () => this.finished())
    stream.on('close', () => this.closed())
  }

  writeHead({ status, headers }: Reply, length: number | undefined): ReplyHead {
    const framing = { status, method: this.request.method, protocol: '1.1', length, close: false, mayClose: false } as const
    const head = replyHead(headers.raw, framing)
    this.res.setHead(status, head.raw, head.isChunked)
    this.status = status
    return head
  }

  get drainEmitter(): DrainEmitter {
    return this.stream
  }

  inform(status: 102 | 103, headers: HeaderList): void {
    this.sendInterim(status, headers.raw)
  }

  override clientLeft(): void {
    if (this.upgraded && !this.core.isOver) this.over('finished', 101)
    else super.clientLeft()
  }

  /** The server cannot wait any longer. */
  cut(error: GatewayError): void {
    this.cutBy(error)
    this.destroy()
  }

  /** Gives up when the client keeps us waiting. @param stallMs 0: no bound. @param requestMs for the whole request; 0: no bound */
  look(now: number, stallMs: number, requestMs: number): void {
    const { seen, request, stream, res } = this
    if (requestMs > 0 && now - this.beganAt >= requestMs && request.isAwaited) {
      this.requestFailed(new GatewayError('REQUEST_TIMEOUT'))
      return
    }
    const { upgraded } = this
    const progress = upgraded ? upgraded.received + upgraded.sent : request.received + res.sent - stream.writableLength
    const awaitsClient = stream.writableLength > 0 || request.isAwaited
    if (progress !== seen.progress || !awaitsClient) {
      seen.progress = progress
      seen.at = now
    } else if (stallMs > 0 && now - seen.at >= stallMs * (1 + Math.floor(stream.writableLength / PIECE_BYTES))) {
      seen.at = now
      if (stream.writableLength === 0) this.requestFailed(new GatewayError('REQUEST_TIMEOUT'))
      else this.destroy()
    }
  }

  protected override switchOver(upgrade: Upgrade, headers: HeaderList): void {
    const { stream } = this
    if (this.request.kind !== 'upgrade') {
      super.switchOver(upgrade, headers)
      return
    }
    if (stream.destroyed || stream.closed) return
    const upgraded = new UpgradedStream(stream)
    this.upgraded = upgraded
    try {
      upgrade(upgraded, Buffer.alloc(0), headers)
      publish('request:upgraded', { context: this.context })
    } catch (error) {
      // Told, but not to the client: nobody knows what it has seen of the handshake by now.
      publish('request:failed', { context: this.context, error })
      this.upgraded = undefined
      this.breakOff(error)
    }
  }

  protected override get bytes(): BodyBytes {
    const { upgraded } = this
    return upgraded ? { receivedBytes: upgraded.received, sentBytes: upgraded.sent } : super.bytes
  }

  protected get isHeadOut(): boolean {
    return this.stream.headersSent
  }

  protected get statusOut(): number {
    return this.status
  }

  protected destroy(): void {
    // Not `close`, which ends the stream in order before it is reset: a reply without a length would look whole.
    this.stream.destroy(new GatewayError('BAD_REPLY', { message: 'the reply was broken off' }))
  }

  protected detach(): void {
    this.session.over(this)
  }

  // Also told of a stream that was closed in the middle of its reply.
  private finished(): void {
    const { stream, request, res } = this
    if (!res.writableEnded || stream.aborted || this.core.isOver) return
    this.over('finished', this.status)
    // RFC 9113 §8.1: whoever still sends is told that nobody listens, and that this is no error.
    if (request.isArriving) res.close()
  }

  private closed(): void {
    if (this.core.isOver) return
    const { stream, res } = this
    // In answer to HEAD, Node is finished before it has begun, and says so only once.
    if (res.writableEnded && stream.writableFinished && stream.rstCode === constants.NGHTTP2_NO_ERROR) {
      this.over('finished', this.status)
      return
    }
    if (!this.isBroken && !(this.upgraded && stream.rstCode === constants.NGHTTP2_NO_ERROR)) this.session.wasReset()
    this.clientLeft()
  }

  private sendContinue(): void {
    this.sendInterim(100, [])
  }

  private sendInterim(status: number, raw: readonly string[]): void {
    const { stream } = this
    if (stream.headersSent || stream.destroyed || stream.closed || this.core.isOver) return
    stream.additionalHeaders({ ...fieldsOf(raw), ':status': status })
  }
}
