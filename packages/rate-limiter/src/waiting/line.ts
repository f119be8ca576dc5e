import { type Context, isPromise, type MaybePromise } from '@gatelet/core'
import { type Asked, isTaken } from '../asking.ts'
import { retryAfterMs } from '../judging.ts'
import type { WaitingRoom } from './waiting-room.ts'

/** How a request asks for what it wants, and gives back what it does not want any more. */
export interface Attempt {
  ask(): MaybePromise<Asked>
  undo(asked: Asked): void
}

interface Waiter extends Attempt {
  readonly resolve: (asked: Asked) => void
  readonly reject: (error: unknown) => void
  readonly clean: (() => void)[]
  hasLeft: boolean
}

// Nobody says when a slot is free that another process holds; one of this process is told by `nudge`.
const POLL_MS = 50

/**
 * Requests that wait for their turn: first come, first served, a line for each key. Only the first of a line asks, when its
 * refusal has said that there will be something; so a line of thousands asks no more often than one.
 */
export class Lines {
  private readonly room: WaitingRoom
  private readonly lines = new Map<string, Line>()

  constructor(room: WaitingRoom) {
    this.room = room
  }

  /** @returns what was taken in the end, or the refusal of who has to leave without */
  ask(ctx: Context<never>, key: string, attempt: Attempt): MaybePromise<Asked> {
    const line = this.lines.get(key)
    if (line) return this.queue(ctx, key, attempt, line.refusal)
    const asked = attempt.ask()
    const judged = (found: Asked) => (isTaken(found) ? found : this.queue(ctx, key, attempt, found))
    return isPromise(asked) ? asked.then(judged) : judged(asked)
  }

  /** Something was given back: who is first in the line of this key need not wait any longer. */
  nudge(key: string): void {
    this.lines.get(key)?.nudge()
  }

  private queue(ctx: Context<never>, key: string, attempt: Attempt, refusal: Asked): MaybePromise<Asked> {
    const patience = this.room.patience(ctx)
    if (retryAfterMs(refusal) > patience || !this.room.enter(key)) return refusal
    return new Promise((resolve, reject) => {
      const line = this.lines.get(key) ?? this.opened(key, refusal)
      const waiter: Waiter = { ...attempt, resolve, reject, clean: [], hasLeft: false }
      const giveUp = () => line.leave(waiter, () => resolve(line.refusal))
      const leave = () => line.leave(waiter, () => resolve({ ...line.refusal, hasLeft: true }))
      waiter.clean.push(this.room.clock.setTimer(giveUp, patience), ctx.onAbort(leave), () => this.room.leave(key))
      line.join(waiter)
    })
  }

  private opened(key: string, refusal: Asked): Line {
    const line = new Line(this.room.clock, refusal, () => this.lines.delete(key))
    this.lines.set(key, line)
    return line
  }
}

class Line {
  /** The latest one: what who leaves without a turn is told. */
  refusal: Asked
  private readonly clock: WaitingRoom['clock']
  private readonly close: () => void
  private readonly waiters = new Set<Waiter>()
  private cancel: (() => void) | undefined
  private isAsking = false

  constructor(clock: WaitingRoom['clock'], refusal: Asked, close: () => void) {
    this.clock = clock
    this.refusal = refusal
    this.close = close
  }

  join(waiter: Waiter): void {
    this.waiters.add(waiter)
    if (this.waiters.size === 1) this.wait()
  }

  /** @param tell what becomes of the waiter; nothing when it has left already */
  leave(waiter: Waiter, tell: () => void): void {
    if (waiter.hasLeft) return
    waiter.hasLeft = true
    this.waiters.delete(waiter)
    for (const clean of waiter.clean) clean()
    if (this.waiters.size === 0) this.end()
    tell()
  }

  nudge(): void {
    if (this.isAsking) return
    this.cancel?.()
    this.turn()
  }

  private wait(): void {
    this.cancel = this.clock.setTimer(() => this.turn(), Math.max(1, Math.ceil(retryAfterMs(this.refusal) || POLL_MS)))
  }

  private turn(): void {
    // A loop, not a recursion: when a window begins anew, the whole line may pass.
    for (let [first] = this.waiters; first; [first] = this.waiters) {
      const waiter = first
      try {
        const asked = waiter.ask()
        if (isPromise(asked)) {
          this.turnLater(waiter, asked)
          return
        }
        if (!this.goesOn(waiter, asked)) return
      } catch (error) {
        this.leave(waiter, () => waiter.reject(error))
      }
    }
  }

  private turnLater(waiter: Waiter, asking: Promise<Asked>): void {
    this.isAsking = true
    void asking
      .then((asked) => this.goesOn(waiter, asked))
      .catch((error: unknown) => {
        this.leave(waiter, () => waiter.reject(error))
        return true
      })
      .then((goesOn) => {
        this.isAsking = false
        if (goesOn) this.turn()
      })
  }

  /** @returns whether it is the turn of the next one */
  private goesOn(waiter: Waiter, asked: Asked): boolean {
    if (!isTaken(asked)) {
      this.refusal = asked
      if (this.waiters.size > 0) this.wait()
      return false
    }
    // Who has left meanwhile wants it no more.
    if (waiter.hasLeft) waiter.undo(asked)
    this.leave(waiter, () => waiter.resolve(asked))
    return true
  }

  private end(): void {
    this.cancel?.()
    this.close()
  }
}
