import { type Clock, GatewayError } from '@gatelet/core'
import type { Breaker } from './breaker.ts'
import { Deadlines } from './deadlines.ts'

/** What asking lives by. */
export interface AskingInit {
  /** What kind of store, for messages: `redis`. */
  readonly store: string
  readonly clock: Clock
  readonly timeoutMs: number
  readonly breaker: Breaker
  /** Whether the store can be reached at all, as far as is known. */
  readonly isReady: () => boolean
}

/** One question to a store. */
export interface Question<T> {
  send(): Promise<T>
  /** For an answer that came too late for whoever asked. */
  onLate?(answer: T): void
  readonly signal?: AbortSignal | undefined
}

/** Asks a store of other processes: for a bounded time, and not at all while it is known to be away. */
export class Asking {
  private readonly init: AskingInit
  private readonly deadlines: Deadlines

  constructor(init: AskingInit) {
    this.init = init
    this.deadlines = new Deadlines(init.clock, init.timeoutMs)
  }

  /**
   * @throws GatewayError `STORE_TIMEOUT`, or `STORE_UNAVAILABLE` with the cause
   * @throws the reason of the signal, once it aborts
   */
  ask<T>(question: Question<T>): Promise<T> {
    const { breaker, isReady } = this.init
    if (question.signal?.aborted) return Promise.reject(question.signal.reason)
    if (!breaker.admits()) return Promise.reject(this.unavailable('it is left alone after failures'))
    if (!isReady()) return Promise.reject(this.failed(this.unavailable('there is no connection')))
    return new Promise((resolve, reject) => this.send(question, resolve, reject))
  }

  private send<T>({ send, onLate, signal }: Question<T>, resolve: (answer: T) => void, reject: (reason: unknown) => void): void {
    const { breaker, timeoutMs, store } = this.init
    let isAwaited = true
    let isLate = false
    const refuse = (reason: unknown) => {
      isAwaited = false
      signal?.removeEventListener('abort', onAbort)
      reject(reason)
    }
    const onAbort = () => refuse(signal?.reason)
    signal?.addEventListener('abort', onAbort)
    const deadline = this.deadlines.begin(() => {
      isLate = true
      refuse(this.failed(new GatewayError('STORE_TIMEOUT', { message: `${store}: no answer within ${timeoutMs} ms` })))
    })
    started(send).then(
      (answer) => {
        deadline.end()
        signal?.removeEventListener('abort', onAbort)
        // One that is always late is of no use, though it answers.
        if (!isLate) breaker.succeeded()
        if (isAwaited) resolve(answer)
        else onLate?.(answer)
      },
      (error: unknown) => {
        deadline.end()
        if (!isLate) refuse(this.failed(this.unavailable(messageOf(error), error)))
      },
    )
  }

  private failed(error: GatewayError): GatewayError {
    this.init.breaker.failed(error)
    return error
  }

  private unavailable(why: string, cause?: unknown): GatewayError {
    return new GatewayError('STORE_UNAVAILABLE', { message: `${this.init.store}: ${why}`, cause })
  }
}

/** A client that throws is as one that rejects. */
function started<T>(send: () => Promise<T>): Promise<T> {
  try {
    return send()
  } catch (error) {
    return Promise.reject(error)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'something that is no error was thrown')
