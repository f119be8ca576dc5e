import {
  type Balancer,
  type Context,
  type Endpoint,
  GatewayError,
  type Handler,
  isLease,
  isPromise,
  type Lease,
  type Refusal,
  type Reply,
} from '@gatelet/core'
import type { Dispatcher } from 'undici'
import { askHandler } from './handler-target.ts'
import { type ProxyOptions, type ProxySettings, proxySettings } from './options.ts'
import { refused } from './refused.ts'
import { type RequestBody, requestBody } from './request-body.ts'
import { upstreamHeaders } from './request-headers.ts'
import { isKeepAliveRace, mayRetry } from './retry.ts'
import { singleEndpoint } from './single-endpoint.ts'
import { upgrade } from './upgrade.ts'
import { UpstreamCall } from './upstream-call.ts'
import { type Upstream, Upstreams } from './upstreams.ts'

/** A handler that forwards, and its connections. */
export interface Proxy extends Handler {
  /** Closes the connections that are not in use, and the others when they are done. Not the balancer: it may have other users. */
  close(): Promise<void>
}

/**
 * Forwards requests, WebSocket handshakes too, to the endpoints of a balancer or to one server, and streams the answers
 * back. A failed attempt goes to another endpoint when nothing was sent yet, or when the method is idempotent (RFC 9110
 * §9.2.2) and the body can be sent again.
 *
 * Failures are told apart: 502 the endpoint cannot be reached or answers nonsense, 503 there is none to ask, 504 it took
 * too long, 508 the request came round in a loop.
 * @param to a balancer, or the URL of one server; a path in it is put before each request's
 * @throws GatewayError `BAD_OPTION` at once, for options that are not right
 */
export function proxy(to: Balancer | URL | string, options: ProxyOptions = {}): Proxy {
  const settings = proxySettings(options)
  const balancer = typeof to === 'object' && 'acquire' in to ? to : singleEndpoint(to)
  const upstreams = new Upstreams(settings)
  const handler: Handler = function proxy(ctx) {
    if (ctx.request.kind === 'upgrade') return upgrade(ctx, balancer, upstreams, settings)
    const forwarding = new Forwarding(ctx, balancer, upstreams, settings)
    const body = requestBody(ctx)
    return isPromise(body) ? body.then((ready) => forwarding.run(ready)) : forwarding.run(body)
  }
  return Object.assign(handler, {
    async close() {
      upstreams.close()
    },
  })
}

/** One request: its attempts, one after the other. */
class Forwarding {
  private readonly ctx: Context
  private readonly balancer: Balancer
  private readonly upstreams: Upstreams
  private readonly settings: ProxySettings
  private readonly headers: string[]
  private readonly startedAt: number
  private readonly tried: Endpoint[] = []
  private call: UpstreamCall | undefined
  private lastError: GatewayError | undefined
  private stopped: GatewayError | undefined
  /** The next attempt needs a connection that nobody has used yet. Set once at most. */
  private needsFresh = false

  constructor(ctx: Context, balancer: Balancer, upstreams: Upstreams, settings: ProxySettings) {
    this.ctx = ctx
    this.balancer = balancer
    this.upstreams = upstreams
    this.settings = settings
    this.headers = upstreamHeaders(ctx.request, settings)
    this.startedAt = settings.clock.now()
    // Two nets under every attempt. The client left, or the deadline passed: stop at once. The exchange is over and the
    // answer was not read to its end: a layer dropped the reply and forgot its body.
    ctx.onAbort(() => this.stop())
    ctx.onFinish(() => this.stop())
  }

  async run(body: RequestBody): Promise<Reply> {
    if (body.isStreamed && body.length !== undefined) this.headers.push('content-length', String(body.length))
    for (;;) {
      const lease = await this.lease()
      const { endpoint, target } = lease
      if ('handler' in target) return askHandler(this.ctx, lease, target.handler, this.settings.clock)
      try {
        return await this.attempt(lease, this.upstreams.of(endpoint, target), body)
      } catch (error) {
        this.next(error as GatewayError, endpoint, body)
      }
    }
  }

  private lease(): Lease | Promise<Lease> {
    const answer = this.balancer.acquire({ tried: this.tried, context: this.ctx })
    return isPromise(answer) ? answer.then((late) => this.granted(late)) : this.granted(answer)
  }

  private granted(answer: Lease | Refusal): Lease {
    if (!isLease(answer)) throw this.lastError ?? refused(answer)
    // Stopped while it waited; or every other endpoint was tried already, and another attempt tells nothing new.
    const error = this.stopped ?? (this.tried.includes(answer.endpoint) ? this.allFailed() : undefined)
    if (error === undefined) return answer
    answer.release()
    throw error
  }

  private attempt(lease: Lease, upstream: Upstream, body: RequestBody): Promise<Reply> {
    const { ctx, settings, headers, tried } = this
    const { method, url } = ctx.request
    return new Promise((resolve, reject) => {
      const options: Dispatcher.DispatchOptions = {
        path: upstream.basePath + url.path + url.search,
        method: method as Dispatcher.HttpMethod,
        headers,
        body: body.forAttempt(),
        headersTimeout: this.headersTimeout(),
        bodyTimeout: settings.bodyIdleMs,
        blocking: false,
      }
      const call = new UpstreamCall({ ctx, lease, upstream, settings, number: tried.length, options }, resolve, reject)
      this.call = call
      if (this.needsFresh) upstream.connections.dispatchFresh(call)
      else upstream.connections.dispatch(call)
    })
  }

  private headersTimeout(): number {
    const left = this.startedAt + this.settings.totalMs - this.settings.clock.now()
    return Math.max(1, Math.min(this.settings.headersMs, left))
  }

  /** Makes ready for another attempt. @throws what the client is told, when there is to be none */
  private next(error: GatewayError, endpoint: Endpoint, body: RequestBody): void {
    const { call, settings } = this
    this.lastError = error
    if (this.stopped || !call || !mayRetry(error, call.sent, this.ctx.request.method, body)) throw error
    if (settings.clock.now() - this.startedAt >= settings.totalMs) throw error
    if (isKeepAliveRace(error, call) && !this.needsFresh) {
      this.needsFresh = true
      return
    }
    this.tried.push(endpoint)
    if (this.tried.length > settings.retries) throw this.allFailed()
  }

  // One server that cannot be reached is a bad gateway; when all of several cannot be, the service is not there.
  private allFailed(): GatewayError {
    const { lastError, tried } = this
    if (lastError && (tried.length < 2 || lastError.code !== 'UPSTREAM_CONNECT_FAILED')) return lastError
    return new GatewayError('NO_ENDPOINT', lastError ? { cause: lastError } : {})
  }

  private stop(): void {
    const { call } = this
    if (this.stopped || (call?.body && call.isOver)) return
    const { reason } = this.ctx.signal
    this.stopped = reason instanceof GatewayError ? reason : new GatewayError('CLIENT_CLOSED')
    call?.stop(this.stopped)
  }
}
