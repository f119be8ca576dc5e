import { type Context, isPromise, type MaybePromise } from '@gatelet/core'
import { type Asked, type Asker, give, isTaken } from '../asking.ts'
import { retryAfterMs } from '../judging.ts'
import type { RateRequest, RateVerdict } from '../store.ts'
import type { WaitingRoom } from './waiting-room.ts'

/**
 * Lets requests pass late that are over a limit of `gcra`: what they want is taken in advance, and they go on when it has
 * refilled. So they leave evenly spaced, in the order in which they came, also those of many processes with one store.
 */
export class Delay {
  private readonly asker: Asker
  private readonly room: WaitingRoom

  constructor(asker: Asker, room: WaitingRoom) {
    this.asker = asker
    this.room = room
  }

  ask(ctx: Context<never>, key: string, requests: readonly RateRequest[]): MaybePromise<Asked> {
    const asked = this.asker.ask(requests)
    const judged = (found: Asked) => (isTaken(found) ? found : this.late(ctx, key, requests, found))
    return isPromise(asked) ? asked.then(judged) : judged(asked)
  }

  private late(ctx: Context<never>, key: string, requests: readonly RateRequest[], refusal: Asked): MaybePromise<Asked> {
    const isOver = (at: number) => refusal.verdicts[at]?.allowed === false
    const reserved = requests.filter((_, at) => isOver(at))
    const delayMs = retryAfterMs(refusal)
    if (reserved.some(({ rule }) => rule.algorithm !== 'gcra') || delayMs > this.room.patience(ctx)) return refusal
    if (!this.room.enter(key)) return refusal
    return this.waited(ctx, key, delayMs, refusal.store, reserved).then((isHere) => {
      if (!isHere) return refusal
      const others = requests.filter((_, at) => !isOver(at))
      return others.length === 0 ? merged(refusal, []) : this.withOthers(refusal, reserved, others)
    })
  }

  /** @returns false when the client has left; then what was reserved is given back */
  private async waited(
    ctx: Context<never>,
    key: string,
    delayMs: number,
    store: Asked['store'],
    reserved: readonly RateRequest[],
  ): Promise<boolean> {
    // Begun before anything is waited for: who comes next sees it.
    const reserving = give(
      store,
      reserved.map((request) => ({ ...request, cost: -request.cost })),
    )
    const isHere = await new Promise<boolean>((resolve) => {
      const cancel = this.room.clock.setTimer(() => {
        undo()
        resolve(true)
      }, Math.ceil(delayMs))
      const undo = ctx.onAbort(() => {
        cancel()
        resolve(false)
      })
    })
    this.room.leave(key)
    await reserving
    if (!isHere) await give(store, reserved)
    return isHere
  }

  // What other policies say is asked when the time has come: a slot must not be held by who waits.
  private async withOthers(refusal: Asked, reserved: readonly RateRequest[], others: readonly RateRequest[]): Promise<Asked> {
    const found = await this.asker.ask(others)
    if (!isTaken(found)) await give(refusal.store, reserved)
    // Nobody counts any more.
    return found.verdicts.length === others.length ? merged(refusal, found.verdicts) : found
  }
}

/** The verdicts as they are after the wait, in the order of the requests. */
function merged(refusal: Asked, others: readonly RateVerdict[]): Asked {
  const rest = [...others]
  const verdicts = refusal.verdicts.map((verdict): RateVerdict => {
    return verdict.allowed ? (rest.shift() as RateVerdict) : { ...verdict, allowed: true, remaining: 0, retryAfterMs: 0 }
  })
  return { ...refusal, verdicts }
}
