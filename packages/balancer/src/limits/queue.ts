import { setMaxListeners } from 'node:events'
import {
  type Ask,
  type Clock,
  type EventMap,
  isLease,
  isPromise,
  type Lease,
  type MaybePromise,
  publish,
  type Refusal,
} from '@gatelet/core'
import type { QueueOptions } from './options.ts'
import { WaitRoom } from './wait-room.ts'
import type { Waiter } from './waiter.ts'

/** What a queue lives by. */
export interface QueueInit {
  readonly rules: Required<QueueOptions>
  readonly clock: Clock
  /** The name of the balancer, for those who hear of it. */
  readonly name: string | undefined
  /** @returns undefined where there is no place for this ask now */
  readonly grant: (ask: Ask) => Lease | undefined
}

type Entry = Pick<Waiter, 'ask' | 'priority' | 'kind' | 'expiresAt'>

// An ejection whose time is over is noticed when somebody looks; while requests wait, somebody has to.
const LOOK_MS = 1_000

/**
 * The bounded queue of a balancer. A place that is freed goes to who waits longest, of the highest priority, of those that can
 * use it. One timer serves all who wait.
 */
export class Queue {
  private readonly init: QueueInit
  private readonly room = new WaitRoom()
  private turn = 0
  private cancelTimer: (() => void) | undefined
  private isServing = false

  constructor(init: QueueInit) {
    this.init = init
  }

  /** How many wait. */
  get length(): number {
    return this.room.count
  }

  /**
   * @param kind asks of one kind can go to the same endpoints: they stand in one line
   * @returns a promise that rejects only with what a function of the user's threw
   */
  wait(ask: Ask, priority: number, kind: string): Promise<Lease | Refusal> | Refusal {
    const { rules, clock } = this.init
    const deadline = ask.context?.deadline ?? Number.POSITIVE_INFINITY
    if (ask.signal?.aborted || deadline <= clock.now()) return this.late
    if (this.room.count >= rules.size) {
      const pushedOut = this.room.below(priority)
      if (!pushedOut) {
        this.left(this.full, 0)
        return this.full
      }
      pushedOut.settle(this.full)
    }
    return new Promise((resolve) => {
      this.enter({ ask, priority, kind, expiresAt: clock.now() + rules.timeoutMs }, resolve)
    })
  }

  /** Gives what is free to those who wait for it. To be called whenever something may have become free. */
  serve(): void {
    // What is called here may free or change something again: the loop that runs sees it.
    if (this.isServing) return
    this.isServing = true
    try {
      while (this.serveOne()) {}
    } finally {
      this.isServing = false
    }
  }

  /** Sends everybody away. */
  clear(answer: Refusal): void {
    for (let waiters = [...this.room.heads('oldest')]; waiters.length > 0; waiters = [...this.room.heads('oldest')]) {
      for (const waiter of waiters) waiter.settle(answer)
    }
  }

  // Who comes back when the time of a whole queue is over finds those gone who wait now.
  private get full(): Refusal {
    return { reason: 'queue-full', retryAfterMs: this.init.rules.timeoutMs }
  }

  private get late(): Refusal {
    return { reason: 'queue-timeout', retryAfterMs: this.init.rules.timeoutMs }
  }

  private enter(entry: Entry, resolve: (answer: MaybePromise<Lease | Refusal>) => void): void {
    const { signal, context } = entry.ask
    const { clock } = this.init
    const since = clock.now()
    const leave = () => void settle(this.late)
    const settle = (answer: MaybePromise<Lease | Refusal>): boolean => {
      if (!this.room.remove(waiter)) return false
      signal?.removeEventListener('abort', leave)
      undo?.()
      if (this.room.count === 0) this.stopTimer()
      this.left(answer, clock.now() - since)
      resolve(answer)
      return true
    }
    const waiter: Waiter = { ...entry, turn: this.turn++, settle, isWaiting: false, previous: undefined, next: undefined }
    const undo = context?.onAbort(leave)
    if (signal) {
      // One of the program, such as "shutting down", has a listener for each that waits: that is no leak.
      setMaxListeners(0, signal)
      signal.addEventListener('abort', leave)
    }
    this.room.add(waiter)
    publish('queue:joined', { waiting: this.room.count, ...this.who })
    if (!this.cancelTimer) this.startTimer(entry.expiresAt)
  }

  private left(answer: MaybePromise<Lease | Refusal>, waitedMs: number): void {
    const outcome = outcomeOf(answer)
    publish('queue:left', { outcome, waitedMs, waiting: this.room.count, ...this.who })
  }

  private get who(): { balancer?: string } {
    const { name } = this.init
    return name === undefined ? {} : { balancer: name }
  }

  private serveOne(): boolean {
    for (const waiter of this.room.heads(this.isOverloaded() ? 'newest' : 'oldest')) {
      if (waiter.isWaiting && this.serveTo(waiter)) return true
    }
    return false
  }

  /** @returns whether it waits no more */
  private serveTo(waiter: Waiter): boolean {
    try {
      const lease = this.init.grant(waiter.ask)
      // Granting calls strategies and listeners, which may have sent this one away: nobody else gives its lease back.
      if (lease && !waiter.settle(lease)) lease.release()
      return lease !== undefined
    } catch (error) {
      // A function of the user's that looks at this request: it is not for whoever made room to hear of it.
      if (waiter.isWaiting) waiter.settle(Promise.reject(error))
      return true
    }
  }

  private isOverloaded(): boolean {
    const { rules, clock } = this.init
    if (rules.order === 'fifo') return false
    const half = clock.now() + rules.timeoutMs / 2
    for (const { expiresAt } of this.room.heads('oldest')) if (expiresAt < half) return true
    return false
  }

  private startTimer(expiresAt: number): void {
    const { clock } = this.init
    const delayMs = Math.min(LOOK_MS, Math.max(0, expiresAt - clock.now()))
    this.cancelTimer = clock.setTimer(() => this.sweep(), delayMs)
  }

  private stopTimer(): void {
    this.cancelTimer?.()
    this.cancelTimer = undefined
  }

  // All wait equally long, so those that expire first stand at the heads.
  private sweep(): void {
    this.cancelTimer = undefined
    this.serve()
    const now = this.init.clock.now()
    const due = () => [...this.room.heads('oldest')].filter(({ expiresAt }) => expiresAt <= now)
    for (let late = due(); late.length > 0; late = due()) for (const waiter of late) waiter.settle(this.late)
    this.stopTimer()
    if (this.room.count > 0) this.startTimer(Math.min(...[...this.room.heads('oldest')].map(({ expiresAt }) => expiresAt)))
  }
}

// Who waits is served with a promise only where that rejects.
function outcomeOf(answer: MaybePromise<Lease | Refusal>): EventMap['queue:left']['outcome'] {
  if (isPromise(answer)) return 'failed'
  return isLease(answer) ? 'served' : answer.reason
}
