import {
  type Balancer,
  type Context,
  type Endpoint,
  type GatewayError,
  isLease,
  isPromise,
  type Lease,
  type Reply,
} from '@gatelet/core'
import type { Dispatcher } from 'undici'
import { released } from './attempted.ts'
import { backoffMs, retryAfterIn } from './backoff.ts'
import type { NetworkTarget } from './connector.ts'
import { withDeadline } from './deadline-header.ts'
import { askHandler } from './handler-target.ts'
import type { HedgeSettings } from './hedge-options.ts'
import { held } from './held-reply.ts'
import type { Latencies } from './latencies.ts'
import { allFailed, type History, leaseFrom } from './leasing.ts'
import type { ProxySettings } from './options.ts'
import { Race, type RaceHost } from './race.ts'
import type { RequestBody } from './request-body.ts'
import { upstreamHeaders } from './request-headers.ts'
import { isIdempotent, isKeepAliveRace, mayRetry } from './retry.ts'
import type { RetryBudget } from './retry-budget.ts'
import { stopReason } from './stopped.ts'
import { timedCall } from './timed-call.ts'
import { UpstreamCall } from './upstream-call.ts'
import { upstreamError } from './upstream-error.ts'
import type { Upstream, Upstreams } from './upstreams.ts'

/** What all requests of one proxy share. */
export interface ProxyParts {
  readonly balancer: Balancer
  readonly upstreams: Upstreams
  readonly settings: ProxySettings
  /** Undefined: no bound. */
  readonly budget: RetryBudget | undefined
  readonly latencies: Latencies
}

/** One request: its attempts, one after the other or, where it is hedged, at the same time. */
export class Forwarding implements History {
  readonly tried: Endpoint[] = []
  lastError: GatewayError | undefined
  private readonly ctx: Context
  private readonly parts: ProxyParts
  private readonly headers: string[]
  private deadline = 0
  private call: UpstreamCall | undefined
  private race: Race | undefined
  private stopped: GatewayError | undefined
  /** A handler in this process has it now. */
  private isHandedOn = false
  /** The next attempt needs a connection that nobody has used yet. Set once at most. */
  private needsFresh = false
  private attempts = 0
  private retried = 0
  /** An answer that asks to be asked again: it is the client's if no other comes. */
  private refused: Reply | undefined
  /** Before this time no endpoint that was tried is asked again. */
  private notBefore = 0
  /** The next attempt adds to the load of the upstreams. */
  private isExtra = false
  private endPause: (() => void) | undefined

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

  get mayRepeat(): boolean {
    return this.refused !== undefined
  }

  async run(body: RequestBody): Promise<Reply> {
    const { balancer, upstreams, settings, budget } = this.parts
    const now = settings.clock.now()
    this.deadline = now + settings.totalMs
    budget?.asked(now)
    if (body.announced !== undefined) this.headers.push('content-length', String(body.announced))
    for (;;) {
      let lease: Lease
      try {
        const granted = leaseFrom(balancer, this.ctx, this)
        lease = isPromise(granted) ? await granted : granted
      } catch (error) {
        return this.answerOr(error)
      }
      if (this.stopped) return this.givenBack(lease, this.stopped)
      const { endpoint, target } = lease
      if (this.attempts > 0) {
        const waitMs = this.waitFor(endpoint)
        if (waitMs > 0 || !this.isAffordable()) {
          released(lease)
          if (waitMs > 0 && (await this.pause(waitMs))) continue
          return this.answerOr(this.lastError)
        }
      }
      if ('handler' in target) {
        this.isHandedOn = true
        return askHandler({ ctx: this.contextFor(body), lease, number: this.attempts }, target.handler, settings.clock)
      }
      try {
        const reply = await this.attempt(lease, upstreams.of(endpoint, target), body)
        if (settings.retries.statuses === undefined || !(await this.isRefused(reply, endpoint, body))) {
          this.refused = undefined
          return reply
        }
      } catch (error) {
        this.next(error as GatewayError, endpoint, body)
      }
      const pauseMs = backoffMs(this.retried, settings.retries, settings.clock.random)
      if (pauseMs > 0 && !(await this.pause(pauseMs))) return this.answerOr(this.lastError)
    }
  }

  private attempt(lease: Lease, upstream: Upstream, body: RequestBody): Promise<Reply> {
    if (this.parts.settings.hedge && body.isHeld && isIdempotent(this.ctx.request.method)) return this.hedged(lease, body)
    return new Promise((resolve, reject) => {
      this.call = this.dispatch(lease, upstream, body, resolve, reject)
    })
  }

  private async hedged(first: Lease, body: RequestBody): Promise<Reply> {
    const { settings, latencies, upstreams } = this.parts
    const host: RaceHost = {
      start: (lease, resolve, reject) =>
        this.dispatch(lease, upstreams.of(lease.endpoint, lease.target as NetworkTarget), body, resolve, reject),
      another: (tried, signal) => this.another(tried, signal),
    }
    const race = new Race(host, settings.hedge as HedgeSettings, latencies, settings.clock)
    this.race = race
    try {
      return await race.run(first)
    } finally {
      this.race = undefined
      this.call = race.call
      this.tried.push(...race.endpoints.slice(1))
    }
  }

  /** An endpoint for one more attempt at the same time. What goes wrong here must not hurt the attempt that is under way. */
  private async another(racing: readonly Endpoint[], signal: AbortSignal): Promise<Lease | undefined> {
    const { balancer, budget, settings } = this.parts
    const { clock } = settings
    if (budget && !budget.allows(clock.now())) return undefined
    const tried = [...this.tried, ...racing]
    try {
      const lease = await balancer.acquire({ tried, context: this.ctx, signal })
      if (!isLease(lease)) return undefined
      const isFit = !signal.aborted && !tried.includes(lease.endpoint) && !('handler' in lease.target)
      if (isFit && (!budget || budget.take(clock.now()))) return lease
      released(lease)
    } catch {
      // The balancer threw: the attempt that is under way has a lease already.
    }
    return undefined
  }

  private dispatch(
    lease: Lease,
    upstream: Upstream,
    body: RequestBody,
    resolve: (reply: Reply) => void,
    reject: (error: GatewayError) => void,
  ): UpstreamCall {
    const { ctx, deadline, needsFresh } = this
    const { settings } = this.parts
    const options = this.optionsFor(upstream, body)
    const attempt = { ctx, lease, upstream, settings, number: this.attempts++, needsFresh, deadline, options }
    const { attemptMs } = settings
    const call =
      attemptMs === undefined || !body.isHeld
        ? new UpstreamCall(attempt, resolve, reject)
        : timedCall(attempt, attemptMs, resolve, reject)
    try {
      upstream.connections.dispatch(call)
    } catch (error) {
      // A target that a balancer should not have given: no connection can be made for it.
      call.refused(upstreamError(error, call))
    }
    return call
  }

  private optionsFor(upstream: Upstream, body: RequestBody): Dispatcher.DispatchOptions & { servername: string } {
    const { method, url } = this.ctx.request
    const { headersMs, bodyIdleMs, deadlineHeader } = this.parts.settings
    return {
      path: upstream.basePath + url.path + url.search,
      method: method as Dispatcher.HttpMethod,
      headers: deadlineHeader === undefined ? this.headers : withDeadline(this.headers, deadlineHeader, this.timeLeft()),
      body: body.forAttempt(),
      headersTimeout: headersMs,
      bodyTimeout: bodyIdleMs,
      blocking: false,
      // Always the same: undici opens another connection when it changes.
      servername: upstream.host,
    }
  }

  private timeLeft(): number {
    const { clock, attemptMs = Number.POSITIVE_INFINITY } = this.parts.settings
    return Math.min(Math.min(this.deadline, this.ctx.deadline ?? Number.POSITIVE_INFINITY) - clock.now(), attemptMs)
  }

  /** Makes ready for another attempt. @throws what the client is told, when there is to be none */
  private next(error: GatewayError, endpoint: Endpoint, body: RequestBody): void {
    const { call } = this
    const { settings, budget } = this.parts
    const now = settings.clock.now()
    this.lastError = error
    this.refused = undefined
    if (this.stopped || !call || !mayRetry(error, call, this.ctx.request.method, body)) throw error
    if (now >= this.deadline) throw error
    if (isKeepAliveRace(error, call) && !this.needsFresh) {
      this.needsFresh = true
      return
    }
    this.tried.push(endpoint)
    if (++this.retried > settings.retries.max) throw allFailed(this)
    // What was not sent is work for nobody yet.
    this.isExtra = call.sent
    if (this.isExtra && budget && !budget.allows(now)) throw error
  }

  /** Whether an answer is kept while another is asked for. */
  private async isRefused(reply: Reply, endpoint: Endpoint, body: RequestBody): Promise<boolean> {
    const { settings, budget } = this.parts
    const { retries, clock } = settings
    if (!retries.statuses?.has(reply.status) || !isIdempotent(this.ctx.request.method) || !body.isReplayable) return false
    if (this.retried >= retries.max || (budget && !budget.allows(clock.now()))) return false
    const afterMs = retryAfterIn(reply.headers.get('retry-after'))
    if (!(await held(reply, clock)) || this.stopped) return false
    this.refused = reply
    this.retried++
    this.isExtra = true
    this.tried.push(endpoint)
    // Never sooner than told; nor at all when that is too long.
    const waitMs = afterMs ?? backoffMs(this.retried + 1, retries, clock.random)
    this.notBefore = Math.max(this.notBefore, waitMs > retries.retryAfterMs ? Number.POSITIVE_INFINITY : clock.now() + waitMs)
    return true
  }

  /** Milliseconds until an endpoint may be asked again; 0 for one that was not asked yet. */
  private waitFor(endpoint: Endpoint): number {
    return this.tried.includes(endpoint) ? Math.max(0, this.notBefore - this.parts.settings.clock.now()) : 0
  }

  private isAffordable(): boolean {
    const { settings, budget } = this.parts
    const { isExtra } = this
    this.isExtra = false
    return !isExtra || !budget || budget.take(settings.clock.now())
  }

  /** @returns false when there is no time for it, or nobody waits for an answer any more */
  private async pause(ms: number): Promise<boolean> {
    const { clock } = this.parts.settings
    if (this.stopped || clock.now() + ms >= this.deadline) return false
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimer(resolve, ms)
      this.endPause = () => {
        cancel()
        resolve()
      }
    })
    this.endPause = undefined
    return !this.stopped
  }

  /** The answer that was kept, if there is one. @throws what the client is told instead */
  private answerOr(error: unknown): Reply {
    if (this.stopped) throw this.stopped
    const { refused } = this
    this.refused = undefined
    if (refused) return refused
    throw error
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
    const { call, race } = this
    const isAnswered = call?.hasHead && call.isOver && !this.refused
    if (this.stopped || this.isHandedOn || (isAnswered && !race)) return
    this.stopped = stopReason(this.ctx)
    this.endPause?.()
    if (race) race.stop(this.stopped)
    else call?.stop(this.stopped)
  }
}
