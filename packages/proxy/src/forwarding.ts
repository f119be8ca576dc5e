import { type Balancer, type Context, type Endpoint, type GatewayError, isPromise, type Lease, type Reply } from '@gatelet/core'
import type { Dispatcher } from 'undici'
import { released } from './attempted.ts'
import { askHandler } from './handler-target.ts'
import { allFailed, type History, leaseFrom } from './leasing.ts'
import type { ProxySettings } from './options.ts'
import type { RequestBody } from './request-body.ts'
import { upstreamHeaders } from './request-headers.ts'
import { isKeepAliveRace, mayRetry } from './retry.ts'
import { stopReason } from './stopped.ts'
import { UpstreamCall } from './upstream-call.ts'
import { upstreamError } from './upstream-error.ts'
import type { Upstream, Upstreams } from './upstreams.ts'

/** What all requests of one proxy share. */
export interface ProxyParts {
  readonly balancer: Balancer
  readonly upstreams: Upstreams
  readonly settings: ProxySettings
}

/** One request: its attempts, one after the other. */
export class Forwarding implements History {
  readonly tried: Endpoint[] = []
  lastError: GatewayError | undefined
  private readonly ctx: Context
  private readonly parts: ProxyParts
  private readonly headers: string[]
  private deadline = 0
  private call: UpstreamCall | undefined
  private stopped: GatewayError | undefined
  /** A handler in this process has it now. */
  private isHandedOn = false
  /** The next attempt needs a connection that nobody has used yet. Set once at most. */
  private needsFresh = false
  private attempts = 0

  /** @throws GatewayError `LOOP_DETECTED` */
  constructor(ctx: Context, parts: ProxyParts) {
    this.ctx = ctx
    this.parts = parts
    this.headers = upstreamHeaders(ctx.request, parts.settings)
    // Two nets under every attempt. The client left, or the deadline passed: stop at once. The exchange is over and the
    // answer was not read to its end: a layer dropped the reply and forgot its body.
    const stop = () => this.stop()
    ctx.onAbort(stop)
    ctx.onFinish(stop)
  }

  async run(body: RequestBody): Promise<Reply> {
    const { balancer, upstreams, settings } = this.parts
    this.deadline = settings.clock.now() + settings.totalMs
    if (body.announced !== undefined) this.headers.push('content-length', String(body.announced))
    for (;;) {
      const granted = leaseFrom(balancer, this.ctx, this)
      const lease = isPromise(granted) ? await granted : granted
      if (this.stopped) return this.givenBack(lease, this.stopped)
      const { endpoint, target } = lease
      if ('handler' in target) {
        this.isHandedOn = true
        return askHandler({ ctx: this.contextFor(body), lease, number: this.attempts }, target.handler, settings.clock)
      }
      try {
        return await this.attempt(lease, upstreams.of(endpoint, target), body)
      } catch (error) {
        this.next(error as GatewayError, endpoint, body)
      }
    }
  }

  private attempt(lease: Lease, upstream: Upstream, body: RequestBody): Promise<Reply> {
    const { ctx, deadline, needsFresh } = this
    const { settings } = this.parts
    return new Promise((resolve, reject) => {
      const options = this.optionsFor(upstream, body)
      const attempt = { ctx, lease, upstream, settings, number: this.attempts++, needsFresh, deadline, options }
      const call = new UpstreamCall(attempt, resolve, reject)
      this.call = call
      try {
        upstream.connections.dispatch(call)
      } catch (error) {
        // A target that a balancer should not have given: no connection can be made for it.
        call.refused(upstreamError(error, call))
      }
    })
  }

  private optionsFor(upstream: Upstream, body: RequestBody): Dispatcher.DispatchOptions & { servername: string } {
    const { method, url } = this.ctx.request
    const { headersMs, bodyIdleMs } = this.parts.settings
    return {
      path: upstream.basePath + url.path + url.search,
      method: method as Dispatcher.HttpMethod,
      headers: this.headers,
      body: body.forAttempt(),
      headersTimeout: headersMs,
      bodyTimeout: bodyIdleMs,
      blocking: false,
      // Always the same: undici opens another connection when it changes.
      servername: upstream.host,
    }
  }

  /** Makes ready for another attempt. @throws what the client is told, when there is to be none */
  private next(error: GatewayError, endpoint: Endpoint, body: RequestBody): void {
    const { call } = this
    const { settings } = this.parts
    this.lastError = error
    if (this.stopped || !call || !mayRetry(error, call, this.ctx.request.method, body)) throw error
    if (settings.clock.now() >= this.deadline) throw error
    if (isKeepAliveRace(error, call) && !this.needsFresh) {
      this.needsFresh = true
      return
    }
    this.tried.push(endpoint)
    if (this.tried.length > settings.retries) throw allFailed(this)
  }

  // A handler in this process reads the request's body by itself, which may be in our hands already.
  private contextFor({ taken }: RequestBody): Context {
    const { ctx } = this
    return taken ? ctx.withRequest({ body: taken, headers: ctx.request.headers }) : ctx
  }

  private givenBack(lease: Lease, error: GatewayError): never {
    released(lease)
    throw error
  }

  private stop(): void {
    const { call } = this
    if (this.stopped || this.isHandedOn || (call?.hasHead && call.isOver)) return
    this.stopped = stopReason(this.ctx)
    call?.stop(this.stopped)
  }
}
