import { type Clock, type Context, type EventMap, exchangeOf, subscribe } from '@gatelet/core'
import { redacted } from '../redact.ts'
import { Auth } from './auth.ts'
import { Caches } from './caches.ts'
import { Endpoints } from './endpoints.ts'
import { Errors } from './errors.ts'
import { Exchanges, type Known } from './exchanges.ts'
import { Limits } from './limits.ts'
import { Routes } from './routes.ts'
import { Tail } from './tail.ts'
import { hasFailed, Traffic } from './traffic.ts'

/** How much is kept. */
export interface Bounds {
  readonly maxRoutes: number
  readonly maxErrors: number
  readonly maxReaders: number
}

/** Listens to the events of this process and keeps what the page shows. */
export class Collector {
  readonly traffic: Traffic
  readonly endpoints: Endpoints
  readonly routes: Routes
  readonly limits: Limits
  readonly caches: Caches = new Caches()
  readonly auth: Auth = new Auth()
  readonly errors: Errors
  readonly tail: Tail
  private readonly exchanges = new Exchanges()
  private readonly clock: Clock
  private readonly undo: (() => void)[]
  private stopTimer = () => {}

  constructor(clock: Clock, { maxRoutes, maxErrors, maxReaders }: Bounds) {
    this.clock = clock
    this.traffic = new Traffic(clock)
    this.endpoints = new Endpoints(clock)
    this.routes = new Routes(clock, maxRoutes)
    this.limits = new Limits(clock)
    this.errors = new Errors(clock, maxErrors)
    this.tail = new Tail(clock, maxReaders)
    this.undo = this.listen()
    this.tick()
  }

  /** A request for the dashboard: it is not among what it shows. */
  disown(context: Context): void {
    const known = this.exchanges.of(context)
    if (!known) return
    known.isOwn = true
    this.traffic.left(known)
  }

  close(): void {
    for (const each of this.undo) each()
    this.stopTimer()
    this.traffic.close()
  }

  private tick(): void {
    this.stopTimer = this.clock.setTimer(() => {
      this.traffic.tick()
      this.tick()
    }, 1_000)
  }

  private listen(): (() => void)[] {
    return [
      subscribe('request:started', ({ context }) => this.started(context)),
      subscribe('request:routed', ({ context, route }) => {
        const known = this.exchanges.of(context)
        if (known) known.route = route
      }),
      subscribe('request:finished', (event) => this.finished(event)),
      subscribe('request:failed', ({ context, error }) => this.failed(context, error)),
      subscribe('upstream:attempted', (event) => this.attempted(event)),
      subscribe('endpoint:changed', (event) => this.endpoints.changed(event)),
      subscribe('rate:decided', (event) => this.limits.decided(event)),
      subscribe('rate:banned', (event) => this.limits.banned(event)),
      subscribe('store:changed', (event) => this.limits.storeChanged(event)),
      subscribe('cache:answered', (event) => this.answered(event)),
      subscribe('cache:stored', ({ cache }) => this.caches.stored(cache)),
      subscribe('cache:store-failed', ({ cache }) => this.caches.storeFailed(cache)),
      subscribe('auth:decided', (event) => this.auth.decided(event)),
    ]
  }

  private started(context: Context): void {
    const known = this.exchanges.of(context)
    if (known) this.traffic.started(known)
  }

  private answered(event: EventMap['cache:answered']): void {
    this.caches.answered(event)
    const known = this.exchanges.of(event.context)
    if (known && (event.result === 'hit' || event.result === 'stale')) known.isFromCache = true
  }

  private finished({ context, summary }: EventMap['request:finished']): void {
    // Work in the background is over, not the request that it is for.
    if (exchangeOf(context)?.cause) return
    const known = this.exchanges.of(context)
    if (known) this.traffic.left(known)
    // Calls of our own are no requests of clients.
    if (!known || known.isOwn || summary.status === 0) return
    this.traffic.finished(summary)
    this.routes.finished(known.route, summary)
    if (hasFailed(summary) && !known.hasError) this.failedReply(context, summary.status, known)
    if (this.tail.isRead) this.tail.add(rowOf({ context, summary }, known, this.clock.date()))
  }

  private failed(context: Context, error: unknown): void {
    const known = this.exchanges.of(context)
    if (known?.isOwn) return
    const isShown = this.errors.add(error, { kind: 'request', context, route: known?.route })
    if (known && isShown) known.hasError = true
  }

  private failedReply(context: Context, status: number, { route, balanced }: Known): void {
    const endpoint = balanced === undefined ? undefined : redacted(balanced)
    this.errors.put(String(status), 'the reply was an error', { kind: 'reply', context, route, endpoint })
  }

  private attempted({ context, endpoint, attempt, outcome, error }: EventMap['upstream:attempted']): void {
    this.endpoints.attempted(endpoint, outcome, attempt)
    const known = this.exchanges.of(context)
    if (known && !known.isFromCache) {
      // A hedge that lost did not answer.
      if (outcome.kind !== 'cancelled' || known.balanced === undefined) known.balanced = endpoint.id
      known.attempts = Math.max(known.attempts, attempt + 1)
    }
    if (outcome.kind !== 'failure') return
    const place = { kind: 'attempt', context, route: known?.route, endpoint: redacted(endpoint.id) } as const
    if (error !== undefined) this.errors.add(error, place)
    else this.errors.put(String(outcome.status ?? 'failed'), 'the endpoint answered with an error', place)
    if (known) known.hasError = true
  }
}

function rowOf({ context, summary }: EventMap['request:finished'], { route, balanced, attempts }: Known, at: number) {
  const { method, url, client } = context.request
  return {
    at,
    method: redacted(method),
    path: redacted(url.path),
    host: redacted(url.host),
    client: client.address,
    ...{ status: summary.status, outcome: summary.outcome, durationMs: summary.durationMs },
    ...{ route, endpoint: balanced === undefined ? undefined : redacted(balanced), attempts },
  }
}
