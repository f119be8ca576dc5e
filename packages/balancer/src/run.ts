import { setMaxListeners } from 'node:events'
import {
  type Ask,
  type Checks,
  type Clock,
  checkOptions,
  type Endpoint,
  GatewayError,
  isLease,
  type Lease,
  type MaybePromise,
  type Outcome,
  options,
  type Refusal,
  refusalError,
} from '@gatelet/core'

/** How a call is run. */
export interface RunOptions {
  /** Calls with the same key go to the same endpoint, where the strategy hashes. */
  hashKey?: string
  /** For the queue: higher comes first. Any number. Default 0. */
  priority?: number
  /** Ends the call, and any wait for an endpoint. What it rejects with is the reason of the signal. */
  signal?: AbortSignal
  /** For everything: waits, attempts, retries. In milliseconds; then it rejects with `DEADLINE_EXCEEDED`. Default: no bound. */
  timeoutMs?: number
  /**
   * Attempts after the first, each at an endpoint that was not tried yet. 0 to 10, default 0: give some only where doing it
   * twice does no harm.
   */
  retries?: number
  /**
   * Whether what was thrown is the fault of the endpoint: then it counts against its health, and another is tried. A query that
   * the database refuses is not. Default: everything is.
   */
  isFailure?: (error: unknown) => boolean
}

/** What a call may know of itself. */
export interface RunCall {
  readonly endpoint: Endpoint
  /** Aborts when the result is not wanted any more. Heed it: the endpoint's place is free when the call is over, not before. */
  readonly signal: AbortSignal
  /** Counts from 0. */
  readonly attempt: number
}

/** What is called, with the value of the endpoint that was picked. */
export type RunFunction<V, T> = (value: V, call: RunCall) => MaybePromise<T>

/** What running calls needs of a balancer. */
export interface RunHost<V> {
  readonly clock: Clock
  acquire(ask: Ask): MaybePromise<Lease | Refusal>
  valueOf(endpoint: Endpoint): V
}

/** @throws GatewayError (as a rejection) for a refusal; what the last attempt threw; the reason of the signal */
export async function run<V, T>(host: RunHost<V>, fn: RunFunction<V, T>, given: RunOptions): Promise<T> {
  const { retries = 0, timeoutMs, signal: outer, isFailure = always, ...how } = checkOptions('run', given, checks)
  const life = new Life(host.clock, timeoutMs, outer)
  const tried: Endpoint[] = []
  let failure: unknown
  try {
    for (;;) {
      life.check()
      const lease = await host.acquire({ ...how, tried, signal: life.signal })
      if (!isLease(lease)) throw life.reason ?? failure ?? refusalError(lease)
      // Every other was tried: another attempt tells nothing new.
      if (tried.includes(lease.endpoint)) {
        lease.release()
        throw failure
      }
      const attempt = new Attempt(host, lease, life, isFailure)
      try {
        return await life.race(attempt.run(fn, tried.length))
      } catch (error) {
        failure = error
        if (attempt.isAtFault !== true || life.reason !== undefined || tried.push(lease.endpoint) > retries) throw error
      }
    }
  } finally {
    life.end()
  }
}

/** One call of the function. Answers its lease once, and gives it back when the function is done, however long that takes. */
class Attempt<V> {
  isAtFault: boolean | undefined
  private readonly host: RunHost<V>
  private readonly lease: Lease
  private readonly life: Life
  private readonly isFailure: (error: unknown) => boolean
  private readonly startedAt: number

  constructor(host: RunHost<V>, lease: Lease, life: Life, isFailure: (error: unknown) => boolean) {
    this.host = host
    this.lease = lease
    this.life = life
    this.isFailure = isFailure
    this.startedAt = host.clock.now()
    // At once, so that an endpoint that hangs is known to: the function itself may never end.
    life.onEnd = () => this.answer(life.isTimeout ? 'failure' : 'cancelled')
  }

  async run<T>(fn: RunFunction<V, T>, attempt: number): Promise<T> {
    const { endpoint } = this.lease
    try {
      if (this.life.reason !== undefined) throw this.life.reason
      const result = await fn(this.host.valueOf(endpoint), { endpoint, signal: this.life.signal, attempt })
      this.answer('success')
      return result
    } catch (error) {
      this.isAtFault = this.life.reason === undefined && this.isFailure(error)
      this.answer(this.isAtFault ? 'failure' : 'cancelled')
      throw error
    } finally {
      this.lease.release()
    }
  }

  private answer(kind: Outcome['kind']): void {
    this.lease.answered({ kind, latencyMs: this.host.clock.now() - this.startedAt })
  }
}

/** How long a result is wanted. */
class Life {
  /** Why it is not wanted any more. */
  reason: unknown
  isTimeout = false
  /** What the attempt that is under way is told by. */
  onEnd: () => void = () => {}
  private readonly controller = new AbortController()
  private readonly outer: AbortSignal | undefined
  private cancelTimer: (() => void) | undefined
  private reject: (reason: unknown) => void = () => {}

  constructor(clock: Clock, timeoutMs: number | undefined, outer: AbortSignal | undefined) {
    this.outer = outer
    if (outer?.aborted) this.over(outer.reason)
    else if (outer) {
      // One of the program has a listener for each call: that is no leak.
      setMaxListeners(0, outer)
      outer.addEventListener('abort', this.abort)
    }
    if (timeoutMs !== undefined) this.cancelTimer = clock.setTimer(() => this.expire(), timeoutMs)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  check(): void {
    if (this.reason !== undefined) throw this.reason
  }

  /** Does not wait for who does not heed the signal. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.reject = reject
      if (this.reason !== undefined) reject(this.reason)
      work.then(resolve, reject)
    })
  }

  end(): void {
    this.cancelTimer?.()
    this.outer?.removeEventListener('abort', this.abort)
  }

  private readonly abort = (): void => this.over(this.outer?.reason)

  private expire(): void {
    this.isTimeout = true
    this.over(new GatewayError('DEADLINE_EXCEEDED', { message: 'the time for the call is over' }))
  }

  private over(reason: unknown): void {
    if (this.reason !== undefined) return
    this.reason = reason
    this.onEnd()
    this.controller.abort(reason)
    this.reject(reason)
  }
}

const always = () => true

const { milliseconds, number, optional, wrong } = options

const signal: options.Check<AbortSignal> = (value, path) => {
  if (!(value instanceof AbortSignal)) throw wrong(value, path, 'an AbortSignal')
  return value
}

const anyString: options.Check<string> = (value, path) => {
  if (typeof value !== 'string') throw wrong(value, path, 'a string')
  return value
}

const checks: Checks<RunOptions> = {
  hashKey: optional(anyString),
  priority: optional(number({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE })),
  signal: optional(signal),
  timeoutMs: optional(milliseconds()),
  retries: optional(number({ min: 0, max: 10, integer: true })),
  isFailure: optional(options.fn<NonNullable<RunOptions['isFailure']>>('a function of the error')),
}
