import {
  type Context,
  GatewayError,
  HeaderList,
  type Lease,
  type Outcome,
  type Producer,
  PushSource,
  publish,
  type Reply,
} from '@gatelet/core'
import type { Dispatcher } from 'undici'
import type { Call, Connection } from './connections.ts'
import type { ProxySettings } from './options.ts'
import { decoded, replyHeaders, withoutHopByHop } from './response-headers.ts'
import { isKeepAliveRace } from './retry.ts'
import { upstreamError } from './upstream-error.ts'
import type { Upstream } from './upstreams.ts'

// More interim answers than this are a flood.
const MAX_INTERIM = 10

/** What one attempt needs to know. */
export interface Attempt {
  readonly ctx: Context
  readonly lease: Lease
  readonly upstream: Upstream
  readonly settings: ProxySettings
  /** Counts from 0. */
  readonly number: number
  readonly options: Dispatcher.DispatchOptions
}

/**
 * One attempt at one endpoint: receives undici's call-backs and fills the reply's body with them. It answers its lease
 * and releases it exactly once, whatever happens: the end of the response, a failure, a reply that was dropped, a client
 * that left.
 *
 * The call-backs are those of undici 7's own style: they cost less than the newer ones, which 7 translates.
 */
export class UpstreamCall implements Call, Producer {
  readonly options: Dispatcher.DispatchOptions
  /** Bytes of the request may have reached the upstream. */
  sent = false
  /** The first byte of an answer has come. */
  heard = false
  /** The connection had served another request before. */
  reused = false
  isOver = false
  /** The body of the reply; null until the response's headers have come. */
  body: PushSource | null = null
  private readonly attempt: Attempt
  private readonly startedAt: number
  private readonly resolve: (reply: Reply) => void
  private readonly reject: (error: GatewayError) => void
  private interim = 0
  private isAnswered = false
  private connection: Connection | null = null
  private abortRequest: ((error: Error) => void) | null = null
  private resumeResponse: (() => void) | null = null

  constructor(attempt: Attempt, resolve: (reply: Reply) => void, reject: (error: GatewayError) => void) {
    this.attempt = attempt
    this.options = attempt.options
    this.startedAt = attempt.settings.clock.now()
    this.resolve = resolve
    this.reject = reject
  }

  /** The client left, the deadline passed, or nobody took the reply. Harmless when the call is over. */
  stop(error: GatewayError): void {
    if (this.isOver) return
    if (this.abortRequest) this.abortRequest(error)
    // Not written yet: undici has no handle for it, and the connection is ours alone.
    else this.connection?.destroy(error)
    this.onError(error)
  }

  // Call: what the connections tell.

  assigned(connection: Connection): void {
    this.connection = connection
  }

  refused(error: GatewayError): void {
    this.fail(error)
  }

  // Producer: what the reader of the reply's body asks for.

  pause(): void {
    // The next chunk is answered by "no room", which is how undici pauses.
  }

  resume(): void {
    this.resumeResponse?.()
  }

  cancel(): void {
    this.stop(new GatewayError('CLIENT_CLOSED', { message: 'nobody reads the reply' }))
  }

  // undici's call-backs.

  onConnect(abort: (error?: Error) => void): void {
    this.sent = true
    this.reused = (this.connection?.served ?? 0) > 0
    this.abortRequest = abort
  }

  onResponseStarted(): void {
    this.heard = true
  }

  onHeaders(status: number, buffers: Buffer[], resume: () => void): boolean {
    const raw = decoded(buffers)
    if (status < 200) return this.onInterim(status, raw)
    const { ctx, upstream, settings, lease } = this.attempt
    this.resumeResponse = resume
    this.body = new PushSource(this)
    const headers = replyHeaders(raw, status, ctx.request, upstream, settings)
    if (lease.replyHeaders) for (const [name, value] of lease.replyHeaders) headers.append(name, value)
    this.answer({ kind: status >= 500 ? 'failure' : 'success', latencyMs: this.elapsed(), status })
    this.body.length = lengthIn(raw)
    this.resolve({ status, headers, body: this.body })
    return true
  }

  onData(chunk: Buffer): boolean {
    return this.body ? this.body.push(chunk) : true
  }

  // Typed as strings by undici, whose parser hands over buffers.
  onComplete(trailers: string[] | Buffer[] | null): void {
    const list = trailers && trailers.length > 0 ? HeaderList.fromRaw(withoutHopByHop(decoded(trailers as Buffer[]))) : undefined
    this.body?.end(list)
    this.finish()
  }

  onError(error: Error): void {
    this.fail(upstreamError(error, this))
  }

  private onInterim(status: number, raw: string[]): boolean {
    if (++this.interim > MAX_INTERIM)
      throw new GatewayError('UPSTREAM_BAD_RESPONSE', { message: 'the upstream sent too many interim answers' })
    if (status === 103) this.attempt.ctx.inform(103, HeaderList.fromRaw(withoutHopByHop(raw)))
    return true
  }

  private fail(error: GatewayError): void {
    if (this.isOver) return
    const kind = error.side === 'upstream' && !isKeepAliveRace(error, this) ? 'failure' : 'cancelled'
    this.answer({ kind, latencyMs: this.elapsed(), status: error.status }, error)
    if (this.body) this.body.fail(error)
    else this.reject(error)
    this.finish()
  }

  private answer(outcome: Outcome, error?: GatewayError): void {
    if (this.isAnswered) return
    this.isAnswered = true
    const { ctx, lease, number } = this.attempt
    lease.answered(outcome)
    publish('upstream:attempted', { context: ctx, endpoint: lease.endpoint, attempt: number, outcome, error })
  }

  private finish(): void {
    if (this.isOver) return
    this.isOver = true
    this.attempt.lease.release()
    this.connection?.done()
    this.abortRequest = this.resumeResponse = null
  }

  private elapsed(): number {
    return this.attempt.settings.clock.now() - this.startedAt
  }
}

function lengthIn(raw: readonly string[]): number | undefined {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (name.length === 14 && name.toLowerCase() === 'content-length') return Number(raw[i + 1])
  }
  return undefined
}
