import {
  type Context,
  Exchange,
  type ExchangeHost,
  failure,
  GatewayError,
  type Handler,
  type HeaderList,
  lengthOf,
  problem,
  publish,
  type Reply,
  run,
  type Source,
  type Summary,
  sourceOf,
} from '@gatelet/core'
import { cancelQuietly } from './cancel-quietly.ts'
import { announcedLength, hasContent, responseHeaders } from './head.ts'
import type { FetchHost } from './host.ts'
import { FetchRequest } from './request.ts'
import { SourceStream } from './source-stream.ts'

/** One `Request` and its `Response`. It ends exactly once: when the body was read, was cancelled, or broke off. */
export class FetchExchange implements ExchangeHost {
  private readonly host: FetchHost
  private readonly env: unknown
  private readonly signal: AbortSignal
  private readonly request: FetchRequest
  private readonly core: Exchange
  private readonly context: Context
  private resolve: ((response: Response) => void) | undefined
  private status = 0
  private wholeBytes = 0
  private streamed: SourceStream | undefined

  constructor(host: FetchHost, request: Request, env: unknown) {
    this.host = host
    this.env = env
    this.signal = request.signal
    this.core = new Exchange(this, host.settings.clock)
    this.request = new FetchRequest(host, request, env)
    this.context = this.core.open(this.request)
  }

  /** @returns a promise that never rejects */
  answer(): Promise<Response> {
    return new Promise((resolve) => {
      this.resolve = resolve
      if (this.signal.aborted) {
        this.clientLeft()
        return
      }
      this.signal.addEventListener('abort', this.clientLeft)
      const { refusal } = this.request
      run(refusal === undefined ? this.host.handler : refusing(refusal), this.context, (reply) => this.deliver(reply))
    })
  }

  // A fetch host has no way to send an interim answer.
  inform(): void {}

  spawn(work: Promise<void>): void {
    this.host.spawn(work, this.env)
  }

  private deliver(reply: Reply): void {
    const { resolve } = this
    this.resolve = undefined
    // Too late: the client has left, and was answered as one who left.
    if (!resolve) cancelQuietly(reply.body)
    else if (reply.upgrade) resolve(this.respond(this.refusedUpgrade(reply)))
    else resolve(this.respond(reply))
  }

  private refusedUpgrade(reply: Reply): Reply {
    cancelQuietly(reply.body)
    const isAsked = this.request.kind === 'upgrade'
    const message = 'a handler answered with an upgrade to a request that did not ask for one'
    const error = isAsked ? new GatewayError('UPGRADE_UNSUPPORTED') : new GatewayError('BAD_REPLY', { message })
    return failure(error, this.context)
  }

  private respond(reply: Reply): Response {
    try {
      return this.responseTo(reply)
    } catch (error) {
      cancelQuietly(reply.body)
      return this.responseTo(failure(error, this.context))
    }
  }

  /** @throws GatewayError `BAD_HEADER`, `BODY_USED`; what a body fails with at once */
  private responseTo({ status, headers, body }: Reply): Response {
    const { method } = this.request
    this.status = status
    if (!hasContent(method, status)) {
      const described = announcedLength(headers) ?? (method === 'HEAD' && body !== null ? lengthOf(body) : undefined)
      const response = new Response(null, { status, headers: responseHeaders(headers, status === 204 ? undefined : described) })
      cancelQuietly(body)
      this.over('finished')
      return response
    }
    const whole = wholeBody(body)
    if (!(whole instanceof Uint8Array)) return this.streamedResponse(headers, whole)
    // Bytes, never the string: a `Response` would make up a content type for one.
    const response = new Response(whole, { status, headers: responseHeaders(headers, whole.byteLength) })
    this.wholeBytes = whole.byteLength
    this.over('finished')
    return response
  }

  private streamedResponse(list: HeaderList, source: Source): Response {
    const length = source.length ?? announcedLength(list)
    const headers = responseHeaders(list, length)
    const streamed = new SourceStream(source, {
      isEager: true,
      length,
      finished: () => this.over('finished'),
      failed: (error) => {
        publish('request:failed', { context: this.context, error })
        this.over('failed', error)
      },
      cancelled: () => {
        this.core.abort(new GatewayError('CLIENT_CLOSED'))
        this.over('aborted')
      },
    })
    this.streamed = streamed
    return new Response(streamed.stream, { status: this.status, headers })
  }

  private readonly clientLeft = (): void => {
    const { resolve } = this
    const reason = new GatewayError('CLIENT_CLOSED', { cause: this.signal.reason })
    this.resolve = undefined
    // First the stream: what fails because of the abort is no failure of ours.
    this.streamed?.abort(reason)
    this.core.abort(reason)
    this.request.release(reason)
    if (resolve) this.status = reason.status
    this.over('aborted')
    resolve?.(this.respond(problem(reason)))
  }

  private over(outcome: Summary['outcome'], error?: Error): void {
    this.signal.removeEventListener('abort', this.clientLeft)
    const sentBytes = this.streamed?.sent ?? this.wholeBytes
    this.core.finish(this.context, outcome, this.status, error, { receivedBytes: this.request.received, sentBytes })
    if (this.request.isBeingRead) this.request.release(new GatewayError('CLIENT_CLOSED', { message: unread }))
  }
}

const unread = 'the reply was out before the request body was read'

function refusing(refusal: unknown): Handler {
  return () => {
    throw refusal
  }
}

/** The bytes, if they are here: a literal, or what a source has at hand. Else the source. */
function wholeBody(body: Reply['body']): Uint8Array | Source {
  if (body === null) return nothing
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof Uint8Array) return body
  const source = sourceOf(body)
  const taken = source.take()
  return taken === undefined ? source : (taken ?? nothing)
}

const nothing = new Uint8Array(0)
