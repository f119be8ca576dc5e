import { setMaxListeners } from 'node:events'
import { type Clock, MAX_DELAY_MS, systemClock } from './clock.ts'
import type { Context, IncomingRequest, RequestChange, Summary } from './contract.ts'
import { GatewayError } from './errors.ts'
import { isHeard, publish } from './events.ts'
import type { HeaderList } from './headers.ts'
import { guarded, Listeners } from './listeners.ts'
import { changedRequest, withoutBody } from './request.ts'

/** Bytes of the two bodies of an exchange, as far as they are known. */
export type BodyBytes = Pick<Summary, 'receivedBytes' | 'sentBytes'>

/** What an adapter does for an exchange. */
export interface ExchangeHost {
  /** There is no client: work in the background, a copy, a call of our own. No `request:started` is told of it. */
  readonly isOwn?: boolean
  /** Writes an interim answer, where the protocol has them. */
  inform(status: 102 | 103, headers: HeaderList): void
  /** Counts work that outlives the reply, so that `close()` waits for it. Left out where `next` can be asked once only. */
  spawn?(work: Promise<void>): void
}

/**
 * One request and its reply from the socket's point of view: it is open, then aborted or not, then finished. For
 * adapters; layers see it through their `Context`.
 */
export class Exchange {
  readonly host: ExchangeHost
  readonly clock: Clock
  /** When it began, in monotonic milliseconds. */
  readonly startedAt: number
  /** The exchange of the request that this one works for: work in the background has one, and what it goes on with the same one. */
  readonly cause: Exchange | undefined
  private abortReason: GatewayError | undefined
  private isOpen = false
  private summary: Summary | undefined
  private controller: AbortController | undefined
  private readonly abortListeners = new Listeners<void>()
  private readonly finishListeners = new Listeners<Summary>()
  // Few exchanges last so long that anybody asks.
  private drainListeners: Listeners<number> | undefined
  private cutAt: number | undefined

  constructor(host: ExchangeHost, clock: Clock = systemClock, cause?: Exchange) {
    this.host = host
    this.cause = cause
    this.clock = clock
    this.startedAt = clock.now()
  }

  /**
   * The first context of this exchange.
   * @param from what to go on from, where an adapter is met again on the way: its state, its deadline, its narrower life
   */
  open(request: IncomingRequest, from?: Context): Context {
    if (from instanceof ExchangeContext) return from.asking(request)
    const context: Context = new ExchangeContext(this, request, noState, undefined, undefined)
    if (this.isOpen) return context
    this.isOpen = true
    if (!this.host.isOwn && isHeard('request:started')) publish('request:started', { context })
    return context
  }

  get isOver(): boolean {
    return this.summary !== undefined
  }

  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController()
      if (this.abortReason) this.controller.abort(this.abortReason)
    }
    return this.controller.signal
  }

  /** Why it was aborted, when it was. */
  get reason(): GatewayError | undefined {
    return this.abortReason
  }

  /** The client left, or nobody wants the answer any more. The first call counts. */
  abort(reason: GatewayError = new GatewayError('CLIENT_CLOSED')): void {
    if (this.abortReason || this.summary) return
    this.abortReason = reason
    this.controller?.abort(reason)
    this.abortListeners.tell()
  }

  /** The socket side is done. The first call counts. */
  finish(context: Context, outcome: Summary['outcome'], status: number, error?: unknown, bytes?: BodyBytes): void {
    if (this.summary) return
    const { receivedBytes, sentBytes } = bytes ?? nothingKnown
    const summary: Summary = {
      outcome,
      status,
      durationMs: this.clock.now() - this.startedAt,
      error,
      receivedBytes,
      sentBytes,
    }
    this.summary = summary
    this.abortListeners.clear()
    this.drainListeners = undefined
    this.finishListeners.tell(summary)
    if (isHeard('request:finished')) publish('request:finished', { context, summary })
  }

  /** The server goes down, and cuts what is still going on at `cutAt` (monotonic milliseconds). The first call counts. */
  drain(cutAt: number): void {
    if (this.cutAt !== undefined || this.summary) return
    this.cutAt = cutAt
    this.drainListeners?.tell(cutAt)
  }

  addDrainListener(listener: (cutAt: number) => void): () => void {
    if (this.summary) return nothing
    this.drainListeners ??= new Listeners()
    return this.cutAt === undefined ? this.drainListeners.add(listener) : this.drainListeners.addLate(listener, this.cutAt)
  }

  addAbortListener(listener: () => void): () => void {
    if (this.summary) return nothing
    return this.abortReason ? this.abortListeners.addLate(listener) : this.abortListeners.add(listener)
  }

  addFinishListener(listener: (summary: Summary) => void): () => void {
    return this.summary ? this.finishListeners.addLate(listener, this.summary) : this.finishListeners.add(listener)
  }
}

/**
 * The exchange of a context: the same object for all contexts that layers have made for one request. For who listens to events
 * and must know which of them are about the same request. Undefined for a context that is not ours.
 */
export function exchangeOf<S extends object>(ctx: Context<S>): Exchange | undefined {
  return ctx instanceof ExchangeContext ? ctx.exchange : undefined
}

/** The context that layers get. Small and of one shape: a layer that adds state makes another. */
class ExchangeContext<S extends object> implements Context<S> {
  readonly exchange: Exchange
  readonly request: IncomingRequest
  readonly state: Readonly<S>
  readonly deadline: number | undefined
  private readonly narrowed: readonly AbortSignal[] | undefined
  private joined: AbortSignal | undefined

  constructor(
    exchange: Exchange,
    request: IncomingRequest,
    state: S,
    deadline: number | undefined,
    narrowed: readonly AbortSignal[] | undefined,
  ) {
    this.exchange = exchange
    this.request = request
    this.state = state
    this.deadline = deadline
    this.narrowed = narrowed
  }

  get signal(): AbortSignal {
    if (!this.narrowed) return this.exchange.signal
    this.joined ??= this.join(this.narrowed)
    return this.joined
  }

  with<A extends object>(more: A): Context<S & A> {
    return new ExchangeContext(this.exchange, this.request, { ...this.state, ...more }, this.deadline, this.narrowed)
  }

  withRequest(change: RequestChange): Context<S> {
    return this.asking(changedRequest(this.request, change))
  }

  asking(request: IncomingRequest): Context<S> {
    return new ExchangeContext(this.exchange, request, this.state, this.deadline, this.narrowed)
  }

  withSignal(signal: AbortSignal): Context<S> {
    return new ExchangeContext(this.exchange, this.request, this.state, this.deadline, [...(this.narrowed ?? []), signal])
  }

  withDeadline(deadline: number): Context<S> {
    if (!(deadline < (this.deadline ?? Number.POSITIVE_INFINITY))) return this
    const { clock } = this.exchange
    const expiry = new AbortController()
    const delayMs = Math.min(Math.max(0, deadline - clock.now()), MAX_DELAY_MS)
    const cancel = clock.setTimer(() => expiry.abort(new GatewayError('DEADLINE_EXCEEDED')), delayMs)
    this.exchange.addFinishListener(cancel)
    return new ExchangeContext(this.exchange, this.request, this.state, deadline, [...(this.narrowed ?? []), expiry.signal])
  }

  background(work: (ctx: Context<S>) => Promise<void>, inform: Context['inform'] = nothing): boolean {
    const { host, clock } = this.exchange
    if (!host.spawn) return false
    // Not the one before: work that always goes on with more would keep all of them.
    const cause = this.exchange.cause ?? this.exchange
    const exchange = new Exchange({ isOwn: true, inform, spawn: (more) => host.spawn?.(more) }, clock, cause)
    const ctx = new ExchangeContext(exchange, withoutBody(this.request), this.state, undefined, undefined)
    host.spawn(
      (async () => work(ctx))().then(
        () => exchange.finish(ctx, 'finished', 0),
        (error: unknown) => {
          publish('request:failed', { context: ctx, error })
          exchange.finish(ctx, 'failed', 0, error)
        },
      ),
    )
    return true
  }

  inform(status: 102 | 103, headers: HeaderList): void {
    if (!this.exchange.isOver) this.exchange.host.inform(status, headers)
  }

  onAbort(listener: () => void): () => void {
    return this.narrowed ? this.onAnyAbort(this.narrowed, listener) : this.exchange.addAbortListener(listener)
  }

  onFinish(listener: (summary: Summary) => void): () => void {
    return this.exchange.addFinishListener(listener)
  }

  // Not `AbortSignal.any`: it costs 17 µs, and leaves something behind on a signal that lives as long as the program.
  private join(signals: readonly AbortSignal[]): AbortSignal {
    const controller = new AbortController()
    const abort = () => controller.abort(this.exchange.reason ?? signals.find((signal) => signal.aborted)?.reason)
    if (this.exchange.reason || signals.some((signal) => signal.aborted)) abort()
    else this.onAnyAbort(signals, abort)
    return controller.signal
  }

  // A signal that lives as long as the program must not collect listeners of exchanges that are over.
  private onAnyAbort(signals: readonly AbortSignal[], listener: () => void): () => void {
    let live = true
    const undo = () => {
      live = false
      removeFromExchange()
      removeFromFinish()
      for (const signal of signals) signal.removeEventListener('abort', once)
    }
    const once = () => {
      if (!live) return
      undo()
      guarded(listener, undefined, 'an exchange')
    }
    const removeFromExchange = this.exchange.addAbortListener(once)
    const removeFromFinish = this.exchange.addFinishListener(undo)
    for (const signal of signals) {
      if (signal.aborted) queueMicrotask(once)
      else {
        // One of the program, such as "shutting down", has a listener for every request in flight: that is no leak.
        setMaxListeners(0, signal)
        signal.addEventListener('abort', once, { once: true })
      }
    }
    return undo
  }
}

const noState = Object.freeze({})

const nothingKnown: BodyBytes = Object.freeze({ receivedBytes: undefined, sentBytes: undefined })

const nothing = () => {}
