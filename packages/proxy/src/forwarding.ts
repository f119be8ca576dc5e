import {
  attemptMsOf,
  type Context,
  GatewayError,
  type Handler,
  isPromise,
  type Lease,
  type MaybePromise,
  type Reply,
  stopReason,
} from '@gatelet/core'
import type { Dispatcher } from 'undici'
import { fieldsFor, released } from './attempted.ts'
import { askHandler, attemptByHandler } from './handler-target.ts'
import { leaseFrom, untried, upstreamOf } from './leasing.ts'
import { meantStatus } from './meant-status.ts'
import type { ProxyParts } from './parts.ts'
import { Race, type RaceHost } from './race.ts'
import type { RequestBody } from './request-body.ts'
import { Retries } from './retries.ts'
import { isRepeatable } from './retry.ts'
import { UpstreamCall } from './upstream-call.ts'
import { upstreamError } from './upstream-error.ts'
import type { Upstream } from './upstreams.ts'

/** One request: its attempts, one after the other or, where it is hedged, at the same time. */
export class Forwarding implements RaceHost {
  private readonly ctx: Context
  private readonly parts: ProxyParts
  private readonly body: RequestBody
  private readonly headers: string[]
  private readonly deadline: number
  private attempts = 0
  private call: UpstreamCall | undefined
  private race: Race | undefined
  private retries: Retries | undefined
  private stopped: GatewayError | undefined
  /** It is known what the client gets: nothing more is asked. */
  private isSettled = false

  /** @param headers what the upstream gets, without the length of the body */
  constructor(ctx: Context, parts: ProxyParts, headers: string[], body: RequestBody) {
    const now = parts.settings.clock.now()
    this.ctx = ctx
    this.parts = parts
    this.body = body
    this.headers = headers
    this.deadline = now + parts.settings.totalMs
    parts.budget?.asked(now)
    if (body.announced !== undefined) headers.push('content-length', String(body.announced))
    // Two nets under every attempt. The client left, or the deadline passed: stop at once. The exchange is over and the
    // answer was not read to its end: a layer dropped the reply and forgot its body.
    const stop = () => this.stop()
    ctx.onAbort(stop)
    ctx.onFinish(stop)
  }

  /** @throws GatewayError what the client is told where there is no answer */
  async run(): Promise<Reply> {
    try {
      for (;;) {
        const granted = this.lease()
        const lease = isPromise(granted) ? await granted : granted
        if (this.stopped) return this.givenBack(lease, this.stopped)
        try {
          const { target } = lease
          const reply = await ('handler' in target ? this.handOn(lease, target.handler) : this.attempt(lease))
          if (!this.mayKeep(reply) || !(await this.retrying().keeps(reply, lease.endpoint, this.body))) return reply
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error
          const attempted = 'handler' in lease.target ? attemptByHandler(error, this.body) : this.call
          this.retrying().failed(error, attempted, lease.endpoint, this.body)
        }
        await this.retries?.backOff()
      }
    } catch (error) {
      return this.keptOr(error)
    } finally {
      this.isSettled = true
      this.body.settled()
    }
  }

  /** @internal Begins an attempt. @throws GatewayError for a target that a balancer should not have given; the lease is given back */
  start(lease: Lease, resolve: (reply: Reply) => void, reject: (error: GatewayError) => void): UpstreamCall {
    const { ctx, deadline, body } = this
    const { settings } = this.parts
    const upstream = upstreamOf(lease, this.parts.upstreams)
    const needsFresh = this.retries?.needsFresh ?? false
    const attemptMs = body.isHeld ? shorter(settings.attemptMs, attemptMsOf(ctx)) : undefined
    const number = this.attempts++
    const options = this.optionsFor(upstream, fieldsFor(ctx, this.headers, lease, number))
    const isHedge = (this.race?.endpoints.length ?? 0) > 1
    const attempt = { ctx, lease, upstream, settings, number, isHedge, needsFresh, deadline, attemptMs, options }
    const call = new UpstreamCall(attempt, resolve, reject)
    try {
      upstream.connections.dispatch(call)
    } catch (error) {
      // A target that a balancer should not have given: no connection can be made for it.
      call.refused(upstreamError(error, call))
    }
    return call
  }

  private lease(): MaybePromise<Lease> {
    return this.retries ? this.retries.lease() : leaseFrom(this.parts.balancer, this.ctx, untried)
  }

  private attempt(lease: Lease): Promise<Reply> {
    this.call = undefined
    const { hedge, retries } = this.parts.settings
    if (hedge && this.body.isHeld && isRepeatable(this.ctx, retries)) return this.hedged(lease)
    return new Promise((resolve, reject) => {
      this.call = this.start(lease, resolve, reject)
    })
  }

  private async hedged(lease: Lease): Promise<Reply> {
    const race = new Race(this, this.ctx, this.parts, this.retries?.tried ?? [])
    this.race = race
    try {
      return await race.run(lease)
    } finally {
      this.race = undefined
      this.call = race.call
      if (race.endpoints.length > 1) this.retrying().tried.push(...race.endpoints.slice(1))
    }
  }

  private optionsFor(upstream: Upstream, headers: string[]): Dispatcher.DispatchOptions & { servername: string } {
    const { method, url } = this.ctx.request
    const { headersMs, bodyIdleMs } = this.parts.settings
    return {
      path: upstream.basePath + url.path + url.search,
      method: method as Dispatcher.HttpMethod,
      headers,
      body: this.body.forAttempt(),
      headersTimeout: headersMs,
      bodyTimeout: bodyIdleMs,
      blocking: false,
      // Always the same: undici opens another connection when it changes.
      servername: upstream.host,
    }
  }

  private mayKeep(reply: Reply): boolean {
    return this.parts.settings.retries.statuses?.has(meantStatus(reply.status, reply.headers)) ?? false
  }

  private retrying(): Retries {
    this.retries ??= new Retries(this.ctx, this.parts, this.deadline)
    if (this.stopped) this.retries.stop()
    return this.retries
  }

  /** The answer that was kept, if there is one. @throws what the client is told instead */
  private keptOr(error: unknown): Reply {
    if (this.stopped) throw this.stopped
    const kept = this.retries?.kept
    if (kept) return kept
    throw error
  }

  // A handler in this process reads the request's body by itself, which may be in our hands already.
  private handOn(lease: Lease, handler: Handler): MaybePromise<Reply> {
    const { ctx, attempts: number } = this
    const { taken } = this.body
    const asking = taken ? ctx.withRequest({ body: taken, headers: ctx.request.headers }) : ctx
    return askHandler({ ctx: asking, lease, number }, handler, this.parts.settings.clock)
  }

  private givenBack(lease: Lease, error: GatewayError): never {
    released(lease)
    throw error
  }

  private stop(): void {
    const { call, race } = this
    if (this.stopped || (this.isSettled && (!call || call.isOver))) return
    this.stopped = stopReason(this.ctx)
    this.retries?.stop()
    if (race) race.stop(this.stopped)
    else call?.stop(this.stopped)
  }
}

function shorter(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}
