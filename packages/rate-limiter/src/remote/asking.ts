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

/** One question to a store: what it answers, and what that means. */
export interface Question<A, T> {
  send(): Promise<A>
  /** May throw for what the store never answers. */
  read(answer: A): T
  /** For an answer that came too late for whoever asked. */
  onLate?(answer: A): void
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
  ask<A, T>(question: Question<A, T>): Promise<T> {
    const { breaker, isReady } = this.init
    if (question.signal?.aborted) return Promise.reject(question.signal.reason)
    if (!breaker.admits()) return Promise.reject(this.unavailable('it is left alone after failures'))
    if (!isReady()) return Promise.reject(this.failed(this.unavailable('there is no connection')))
    return new Promise((resolve, reject) => this.send(question, resolve, reject))
  }

  private send<A, T>(question: Question<A, T>, resolve: (answer: T) => void, reject: (reason: unknown) => void): void {
    const { signal } = question
    const deadline = this.deadlines.begin(() => reject(this.failed(this.timeout())))
    let endAbort: (() => void) | undefined
    if (signal) endAbort = onAbort(signal, () => reject(signal.reason))
    const failed = (error: unknown) => {
      endAbort?.()
      // It has failed already when its time is over.
      if (!deadline.end()) return
      reject(this.failed(this.unavailable(messageOf(error), error)))
    }
    started(question).then((answer) => {
      endAbort?.()
      const isLate = !deadline.end()
      if (isLate || signal?.aborted) question.onLate?.(answer)
      // One that is always late is of no use, though it answers.
      if (isLate) return
      try {
        resolve(question.read(answer))
      } catch (error) {
        reject(this.failed(this.unavailable(messageOf(error), error)))
        return
      }
      this.init.breaker.succeeded()
    }, failed)
  }

  private failed(error: GatewayError): GatewayError {
    this.init.breaker.failed(error)
    return error
  }

  private timeout(): GatewayError {
    const { store, timeoutMs } = this.init
    return new GatewayError('STORE_TIMEOUT', { message: `${store}: no answer within ${timeoutMs} ms` })
  }

  private unavailable(why: string, cause?: unknown): GatewayError {
    return new GatewayError('STORE_UNAVAILABLE', { message: `${this.init.store}: ${why}`, cause })
  }
}

/** A client that throws is as one that rejects. */
function started<A>(question: Question<A, unknown>): Promise<A> {
  try {
    return question.send()
  } catch (error) {
    return Promise.reject(error)
  }
}

/** @returns its undo */
function onAbort(signal: AbortSignal, listener: () => void): () => void {
  signal.addEventListener('abort', listener)
  return () => signal.removeEventListener('abort', listener)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'something that is no error was thrown')
