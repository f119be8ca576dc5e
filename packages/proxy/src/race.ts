import { type Context, discard, type Endpoint, type GatewayError, isLease, type Lease, type Reply } from '@gatelet/core'
import { released } from './attempted.ts'
import { type HedgeSettings, lost } from './hedge-options.ts'
import type { ProxyParts } from './parts.ts'
import type { UpstreamCall } from './upstream-call.ts'

/** What a race needs of the request that it is for. */
export interface RaceHost {
  /** Begins an attempt. */
  start(lease: Lease, resolve: (reply: Reply) => void, reject: (error: GatewayError) => void): UpstreamCall
}

/** The attempts of one request that run at the same time: the first answer counts, the others are stopped. */
export class Race {
  /** Who is, or was, asked. */
  readonly endpoints: Endpoint[] = []
  /** The attempt whose answer, or failure, is that of the race; the first until it is known. */
  call: UpstreamCall | undefined
  private readonly host: RaceHost
  private readonly ctx: Context
  private readonly parts: ProxyParts
  private readonly settings: HedgeSettings
  private readonly tried: readonly Endpoint[]
  private readonly startedAt: number
  private readonly running = new Set<UpstreamCall>()
  /** The balancer is being asked for one more. */
  private search: AbortController | undefined
  private isStopped = false
  private isOver = false
  /** An answer of 500 or more: it counts if none better comes. */
  private worse: { call: UpstreamCall; reply: Reply } | undefined
  private lastFailure: { call: UpstreamCall; error: GatewayError } | undefined
  private cancelTimer: () => void = () => {}
  private resolve: (reply: Reply) => void = () => {}
  private reject: (error: GatewayError) => void = () => {}

  /** @param tried endpoints that the request has been to before */
  constructor(host: RaceHost, ctx: Context, parts: ProxyParts, tried: readonly Endpoint[]) {
    this.host = host
    this.ctx = ctx
    this.parts = parts
    this.settings = parts.settings.hedge as HedgeSettings
    this.tried = tried
    this.startedAt = parts.settings.clock.now()
  }

  /** @throws GatewayError what the last attempt failed with, when all have */
  run(first: Lease): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
      this.start(first)
      this.schedule()
    })
  }

  /** Nobody wants an answer any more. */
  stop(error: GatewayError): void {
    this.isStopped = true
    this.endSearch()
    this.cancelTimer()
    for (const call of this.running) call.stop(error)
    this.worse?.call.stop(error)
    // Not where a balancer takes its time: whom it gives is released when it does.
    this.settleIfAlone()
  }

  private start(lease: Lease): void {
    this.endpoints.push(lease.endpoint)
    let call: UpstreamCall
    const answer = new Promise<Reply>((resolve, reject) => {
      call = this.host.start(lease, resolve, reject)
      this.call ??= call
      this.running.add(call)
    })
    answer.then(
      (reply) => this.answered(call, reply),
      (error: GatewayError) => this.failed(call, error),
    )
  }

  private schedule(): void {
    const { latencies, settings } = this.parts
    const { afterMs, percentile = 1, maxAttempts } = this.settings
    const delayMs = afterMs ?? latencies.percentile(percentile)
    if (delayMs === undefined || this.endpoints.length >= maxAttempts) return
    this.cancelTimer = settings.clock.setTimer(() => void this.hedge(), delayMs)
  }

  // Rejects nothing: `another` does not, and what it gives is released where it is not used.
  private async hedge(): Promise<void> {
    const search = new AbortController()
    this.search = search
    const lease = await this.another(search.signal)
    this.search = undefined
    if (this.isOver || this.isStopped) {
      if (lease) released(lease)
    } else if (lease) {
      this.start(lease)
      this.schedule()
    }
    this.settleIfAlone()
  }

  /** An endpoint for one more attempt. What goes wrong here must not hurt the attempt that is under way. */
  private async another(signal: AbortSignal): Promise<Lease | undefined> {
    const { balancer, budget, settings } = this.parts
    const { clock } = settings
    if (budget && !budget.allows(clock.now())) return undefined
    const tried = [...this.tried, ...this.endpoints]
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

  private endSearch(): void {
    this.search?.abort()
    this.search = undefined
  }

  private answered(call: UpstreamCall, reply: Reply): void {
    this.running.delete(call)
    if (this.isOver) {
      discard(reply.body)
    } else if (reply.status < 500) {
      this.win(call, reply)
    } else {
      // An endpoint that fails at once must not beat one that works.
      if (this.worse) discard(this.worse.reply.body)
      this.worse = { call, reply }
      this.settleIfAlone()
    }
  }

  private failed(call: UpstreamCall, error: GatewayError): void {
    this.running.delete(call)
    this.lastFailure = { call, error }
    this.settleIfAlone()
  }

  private settleIfAlone(): void {
    if (this.isOver || this.running.size > 0 || this.search) return
    if (this.worse) {
      this.win(this.worse.call, this.worse.reply)
    } else if (this.lastFailure) {
      this.over(this.lastFailure.call)
      this.reject(this.lastFailure.error)
    }
  }

  private win(call: UpstreamCall, reply: Reply): void {
    this.over(call)
    // Of the first attempt, as far as it has come: what the winner took would make the next race begin earlier and earlier.
    const { latencies, settings } = this.parts
    latencies.add(settings.clock.now() - this.startedAt)
    for (const other of this.running) other.stop(lost())
    if (this.worse && this.worse.call !== call) discard(this.worse.reply.body)
    this.resolve(reply)
  }

  private over(call: UpstreamCall): void {
    this.isOver = true
    this.call = call
    this.endSearch()
    this.cancelTimer()
  }
}
