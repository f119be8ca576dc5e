import { GatewayError, HeaderList, type Outcome, type Producer, PushSource, type Reply } from '@gatelet/core'
import type { Dispatcher } from 'undici'
import { type AttemptAt, attempted, released } from './attempted.ts'
import { retryAfterIn } from './backoff.ts'
import type { Connection } from './connection.ts'
import type { Call } from './connections.ts'
import { withDeadline } from './deadline-header.ts'
import { meantStatus } from './meant-status.ts'
import type { ProxySettings } from './options.ts'
import { checkedStatus, decoded, lengthIn } from './response-head.ts'
import { replyHeaders, replyTrailers, withoutHopByHop } from './response-headers.ts'
import { type Attempted, isKeepAliveRace } from './retry.ts'
import { upstreamError } from './upstream-error.ts'
import type { Upstream } from './upstreams.ts'

// More interim answers than this are a flood.
const MAX_INTERIM = 10

/** What one attempt needs to know. */
export interface Attempt extends AttemptAt {
  readonly upstream: Upstream
  readonly settings: ProxySettings
  readonly needsFresh: boolean
  /** When the answer must have begun, in monotonic milliseconds. */
  readonly deadline: number
  /** How long it may take to that, from when it has a connection, or one is being made for it. Undefined: until `deadline`. */
  readonly attemptMs: number | undefined
  readonly options: Dispatcher.DispatchOptions
}

/**
 * One attempt at one endpoint: receives undici's call-backs and fills the reply's body with them. It answers its lease
 * and releases it exactly once, whatever happens: the end of the response, a failure, a reply that was dropped, a client
 * that left.
 *
 * The call-backs are those of undici 7's own style: they cost less than the newer ones, which 7 translates.
 */
export class UpstreamCall implements Call, Producer, Attempted {
  readonly options: Dispatcher.DispatchOptions
  readonly needsFresh: boolean
  sent = false
  heard = false
  reused = false
  /** The head of the answer has come: the reply is out. */
  hasHead = false
  isOver = false
  private readonly attempt: Attempt
  private startedAt: number
  private readonly resolve: (reply: Reply) => void
  private readonly reject: (error: GatewayError) => void
  private body: PushSource | null = null
  private interim = 0
  private received = 0
  private isSentWhole = false
  private isAnswered = false
  private connection: Connection | null = null
  private abortRequest: ((error: Error) => void) | null = null
  private resumeResponse: (() => void) | null = null
  /** Takes it out of the queue; then, ends the time for making a connection. */
  private cancelWait: (() => void) | null = null
  private cancelAttempt: (() => void) | null = null

  constructor(attempt: Attempt, resolve: (reply: Reply) => void, reject: (error: GatewayError) => void) {
    this.attempt = attempt
    this.options = attempt.options
    this.needsFresh = attempt.needsFresh
    this.startedAt = attempt.settings.clock.now()
    this.resolve = resolve
    this.reject = reject
  }

  /** The client left, the deadline passed, or nobody took the reply. Harmless when the call is over. */
  stop(error: GatewayError): void {
    if (this.isOver) return
    if (this.abortRequest) this.abortRequest(error)
    // undici has no handle for what is not written yet: it is told in `onConnect`.
    else if (this.connection?.withdraw()) this.letGo()
    this.fail(error)
  }

  // Call: what the connections ask and tell.

  get timeLeft(): number {
    return Math.max(0, this.attempt.deadline - this.attempt.settings.clock.now())
  }

  queued(leave: () => void): void {
    this.cancelWait = leave
  }

  // From here on the endpoint has it: what was waited before, in our own queue, says nothing about it.
  assigned(connection: Connection): void {
    const { attemptMs, deadline, settings } = this.attempt
    const { clock, deadlineHeader, headersMs } = settings
    const now = clock.now()
    const timeLeft = Math.max(0, deadline - now)
    this.startedAt = now
    this.connection = connection
    this.options.headersTimeout = Math.max(1, Math.min(headersMs, timeLeft))
    if (deadlineHeader !== undefined) this.tellDeadline(deadlineHeader, now)
    // undici's time starts when the request is written. Only where a connection has to be made first, there is more to bound.
    this.cancelWait = connection.served === 0 ? clock.setTimer(() => this.outOfTime(), timeLeft) : null
    if (attemptMs !== undefined) this.cancelAttempt = clock.setTimer(() => this.stop(tooSlow()), attemptMs)
  }

  refused(error: GatewayError): void {
    this.fail(error)
  }

  notProcessed(): void {
    this.sent = false
  }

  // Producer: what the reader of the reply's body asks for.

  pause(): void {
    // The next chunk is answered by "no room", which is how undici pauses.
  }

  resume(): void {
    // Not at once: undici's parser cannot be entered while it runs for another connection, which may be why we are asked.
    if (this.resumeResponse) queueMicrotask(this.resumeResponse)
  }

  cancel(): void {
    this.stop(new GatewayError('CLIENT_CLOSED', { message: 'nobody reads the reply' }))
  }

  // undici's call-backs.

  onConnect(abort: (error?: Error) => void): void {
    // Thrown, not aborted: the connection, which was just made, stays good for others.
    if (this.isOver) throw new Error('nobody waits for the answer any more')
    this.abortRequest = abort
  }

  onBodySent(): void {
    this.sent = true
  }

  onRequestSent(): void {
    this.sent = this.isSentWhole = true
  }

  onResponseStarted(): void {
    this.heard = true
  }

  onHeaders(status: number, buffers: Buffer[], resume: () => void): boolean {
    const raw = decoded(buffers)
    if (checkedStatus(status) < 200) return this.onInterim(status, raw)
    const { ctx, upstream, settings, lease } = this.attempt
    const headers = replyHeaders(raw, status, ctx.request, upstream, settings)
    if (lease.replyHeaders) for (const [name, value] of lease.replyHeaders) headers.append(name, value)
    const length = lengthIn(raw)
    const isWithBody = hasContent(status, this.options.method)
    if (length !== undefined && length > settings.maxResponseBytes && isWithBody) throw tooLarge()
    this.answer(outcomeOf(meantStatus(status, headers), this.elapsed(), headers))
    this.hasHead = true
    if (isWithBody) {
      this.resumeResponse = resume
      this.body = new PushSource(this)
      this.body.length = length
    }
    this.resolve({ status, headers, body: this.body })
    return true
  }

  onData(chunk: Buffer): boolean {
    this.received += chunk.length
    if (this.received > this.attempt.settings.maxResponseBytes) {
      this.stop(tooLarge())
      return true
    }
    return this.body ? this.body.push(chunk) : true
  }

  // Typed as strings by undici, whose parser hands over buffers.
  onComplete(trailers: string[] | Buffer[] | null): void {
    try {
      this.body?.end(replyTrailers(decoded((trailers ?? []) as Buffer[])))
    } catch (error) {
      this.connection?.destroy()
      throw error
    }
    this.finish()
    this.letGo()
  }

  onError(error: Error): void {
    this.reused = (this.connection?.served ?? 0) > 0
    this.fail(this.meaningOf(error))
    this.letGo()
  }

  private tellDeadline(field: string, now: number): void {
    const { attemptMs = Number.POSITIVE_INFINITY, ctx, deadline } = this.attempt
    const leftMs = Math.min(attemptMs, Math.min(deadline, ctx.deadline ?? Number.POSITIVE_INFINITY) - now)
    this.options.headers = withDeadline(this.options.headers as string[], field, leftMs)
  }

  private onInterim(status: number, raw: string[]): boolean {
    if (++this.interim > MAX_INTERIM)
      throw new GatewayError('UPSTREAM_BAD_RESPONSE', { message: 'the upstream sent too many interim answers' })
    // RFC 9110 §15.2. A 100 and a 101 are answers to what this side has asked.
    if (status === 102 || status === 103) this.attempt.ctx.inform(status, HeaderList.fromRaw(withoutHopByHop(raw)))
    return true
  }

  private meaningOf(error: Error): GatewayError {
    const meaning = upstreamError(error, this)
    const isCut = meaning.code === 'UPSTREAM_HEADERS_TIMEOUT' && this.options.headersTimeout !== this.attempt.settings.headersMs
    return isCut ? tooLate(meaning) : meaning
  }

  private outOfTime(): void {
    // An upload that is under way may last; undici takes the time from its end on.
    if (this.abortRequest && !this.isSentWhole) return
    this.stop(tooLate())
  }

  private fail(error: GatewayError): void {
    if (this.isOver) return
    const kind = this.isFault(error) ? 'failure' : 'cancelled'
    this.answer({ kind, latencyMs: this.elapsed(), status: error.status }, error)
    if (this.body) this.body.fail(error)
    else this.reject(error)
    this.finish()
  }

  private isFault(error: GatewayError): boolean {
    if (error.code === 'DEADLINE_EXCEEDED') return this.sent
    return error.side === 'upstream' && !isKeepAliveRace(error, this)
  }

  private answer(outcome: Outcome, error?: GatewayError): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.cancelWait?.()
    this.cancelAttempt?.()
    attempted(this.attempt, outcome, error)
  }

  private finish(): void {
    if (this.isOver) return
    this.isOver = true
    released(this.attempt.lease)
    this.abortRequest = this.resumeResponse = null
  }

  /** undici is done with the call, which may be later than everybody else. */
  private letGo(): void {
    const { connection } = this
    this.connection = null
    connection?.done()
  }

  private elapsed(): number {
    return this.attempt.settings.clock.now() - this.startedAt
  }
}

// What an answer says of its endpoint. The wait that a refusal asks for is in whole seconds.
function outcomeOf(status: number, latencyMs: number, headers: HeaderList): Outcome {
  const kind = status >= 500 ? 'failure' : 'success'
  const retryAfterMs = status === 503 || status === 429 ? retryAfterIn(headers) : undefined
  return retryAfterMs === undefined ? { kind, latencyMs, status } : { kind, latencyMs, status, retryAfterMs }
}

const tooLarge = () => new GatewayError('RESPONSE_TOO_LARGE')

const tooSlow = () => new GatewayError('UPSTREAM_ATTEMPT_TIMEOUT')

const tooLate = (cause?: unknown) =>
  new GatewayError('DEADLINE_EXCEEDED', { message: 'the time for all attempts is over', cause })

// RFC 9112 §6.3. undici would wait for a body that such an answer announces and cannot have.
const hasContent = (status: number, method: string) => status !== 204 && status !== 304 && method !== 'HEAD'
