import type { Context, Endpoint, GatewayError, Lease, Reply } from '@gatelet/core'
import { released } from './attempted.ts'
import { backoffMs, retryAfterIn } from './backoff.ts'
import { held } from './held-reply.ts'
import { allFailed, type History, leaseFrom } from './leasing.ts'
import type { ProxyParts } from './parts.ts'
import type { RequestBody } from './request-body.ts'
import { type Attempted, isKeepAliveRace, isRepeatable, mayRetry } from './retry.ts'

/**
 * What came of one request's attempts so far, and whether, where and when another may follow. Made when one was not enough:
 * nearly no request needs it.
 *
 * Where it throws, the request has come to its end: the answer that was kept is the client's, and without one what is thrown.
 */
export class Retries implements History {
  readonly tried: Endpoint[] = []
  lastError: GatewayError | undefined
  mayRepeat = false
  /** The next attempt needs a connection that nobody has used yet. Set once at most. */
  needsFresh = false
  /** An answer that asks to be asked again: it is the client's if no other comes. */
  kept: Reply | undefined
  private readonly ctx: Context
  private readonly parts: ProxyParts
  private readonly deadline: number
  private count = 0
  /** Before this time no endpoint that was tried is asked again. */
  private notBefore = 0
  /** The next attempt adds to the load of the upstreams. */
  private isExtra = false
  private isStopped = false
  private endPause: (() => void) | undefined

  /** @param deadline when the answer must have begun, in monotonic milliseconds */
  constructor(ctx: Context, parts: ProxyParts, deadline: number) {
    this.ctx = ctx
    this.parts = parts
    this.deadline = deadline
  }

  /** Makes ready for an attempt after one that failed. @throws what the client is told, when there is to be none */
  failed(error: GatewayError, call: Attempted | undefined, endpoint: Endpoint, body: RequestBody): void {
    const { settings, budget } = this.parts
    const now = settings.clock.now()
    this.lastError = error
    if (!call || !mayRetry(error, call, body, () => isRepeatable(this.ctx, settings.retries)) || now >= this.deadline) throw error
    if (isKeepAliveRace(error, call) && !this.needsFresh) {
      this.needsFresh = true
      return
    }
    this.mayRepeat = false
    this.tried.push(endpoint)
    if (++this.count > settings.retries.max) throw allFailed(this)
    // What was not sent is work for nobody yet.
    this.isExtra = call.sent
    if (this.isExtra && budget && !budget.allows(now)) throw error
  }

  /** Whether an answer with one of `retries.statuses` is kept while another is asked for; else it is the client's. */
  async keeps(reply: Reply, endpoint: Endpoint, body: RequestBody): Promise<boolean> {
    const { settings, budget } = this.parts
    const { retries, clock } = settings
    if (!isRepeatable(this.ctx, retries) || !body.isReplayable || this.count >= retries.max) return false
    if (budget && !budget.allows(clock.now())) return false
    if (!(await held(reply, clock)) || this.isStopped) return false
    this.kept = reply
    this.count++
    this.mayRepeat = this.isExtra = true
    this.tried.push(endpoint)
    // Never sooner than told; nor at all when that is too long.
    const waitMs = retryAfterIn(reply.headers) ?? backoffMs(this.count + 1, retries, clock.random)
    this.notBefore = Math.max(this.notBefore, waitMs > retries.retryAfterMs ? Number.POSITIVE_INFINITY : clock.now() + waitMs)
    return true
  }

  /** Waits before the next attempt, as long as it should. */
  async backOff(): Promise<void> {
    const { retries, clock } = this.parts.settings
    const waitMs = backoffMs(this.count, retries, clock.random)
    if (waitMs > 0) await this.pause(waitMs)
  }

  /** An endpoint for the next attempt, as soon as it may be asked. */
  async lease(): Promise<Lease> {
    for (;;) {
      const lease = await leaseFrom(this.parts.balancer, this.ctx, this)
      const waitMs = this.waitFor(lease.endpoint)
      if (this.isStopped || (waitMs === 0 && this.isAffordable())) return lease
      released(lease)
      if (waitMs === 0) throw this.lastError
      await this.pause(waitMs)
    }
  }

  /** Nobody waits for an answer any more. */
  stop(): void {
    this.isStopped = true
    this.endPause?.()
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

  /** @throws where there is no time for it, or nobody waits for an answer any more */
  private async pause(ms: number): Promise<void> {
    const { clock } = this.parts.settings
    if (this.isStopped || clock.now() + ms >= this.deadline) throw this.lastError
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimer(resolve, ms)
      this.endPause = () => {
        cancel()
        resolve()
      }
    })
    this.endPause = undefined
    if (this.isStopped) throw this.lastError
  }
}
